"""Makes the 12 MP photo that `images` is measured on, the same each time."""

import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

WIDTH, HEIGHT, QUALITY = 4000, 3000, 90
ROOT = Path(__file__).resolve().parents[2]
CORPORA = Path(os.environ.get("CORPORA", ROOT.parent / "shared" / "corpora"))
SOURCE = CORPORA / "images" / "exif-orientation" / "Landscape_1.jpg"


def noise(rng):
    """Noise with the spectrum of natural pictures: amplitude falls nearly as 1/f."""
    waves = np.fft.rfft2(rng.standard_normal((HEIGHT, WIDTH)))
    radius = np.hypot(np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)[None, :])
    radius[0, 0] = 1
    field = np.fft.irfft2(waves / radius**0.9, s=(HEIGHT, WIDTH))
    return (field / field.std()).astype(np.float32)


def make(path):
    """A photo of the corpora enlarged, with the detail that an enlargement lacks where the photo has contrast, and grain."""
    pixels = np.asarray(Image.open(SOURCE).convert("RGB").resize((WIDTH, HEIGHT), Image.LANCZOS)).astype(np.float32)
    rng = np.random.default_rng(6)
    down, across = np.gradient(pixels.mean(2))
    contrast = Image.fromarray(np.clip(np.hypot(down, across) * 8, 0, 255).astype(np.uint8))
    contrast = np.asarray(contrast.filter(ImageFilter.GaussianBlur(12))).astype(np.float32)
    detail = noise(rng) * (3 + np.minimum(contrast * 0.275, 14))
    pixels += detail[..., None] + rng.standard_normal(pixels.shape).astype(np.float32) * 1.5
    picture = Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))
    picture.save(path, quality=QUALITY, subsampling="4:2:0")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
