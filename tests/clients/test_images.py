"""What `images` decodes, compared with Pillow, pixel by pixel, and its animations as Pillow reads them.

Runs the `render` example named by IMAGES_RENDER; the corpora are looked for in CORPORA, or beside the
repository.
"""

import io
import json
import os
import random
import subprocess
from pathlib import Path

import pytest

Image = pytest.importorskip("PIL.Image")
ImageChops = pytest.importorskip("PIL.ImageChops")
ImageCms = pytest.importorskip("PIL.ImageCms")
ImageOps = pytest.importorskip("PIL.ImageOps")

RENDER = os.environ.get("IMAGES_RENDER")
CORPORA = Path(os.environ.get("CORPORA", Path(__file__).parents[3] / "shared" / "corpora")) / "images"
pytestmark = pytest.mark.skipif(not RENDER, reason="IMAGES_RENDER names no render binary")

# Pillow compares the transparent gray, of 4 bits here, with samples that it has made 8 of.
PILLOW_IS_WRONG = {"tbbn0g04.png"}
# Pillow shows colour 0 where a first frame without transparency leaves the screen bare; browsers show what lies below.
BARE = {"border_touching_layers.gif", "issue_1455_undersized.gif"}


def decode(paths, folder):
    """Each file's decoded picture; None for those refused. Names must differ in their stems."""
    folder.mkdir(exist_ok=True)
    command = [RENDER, *map(str, paths), str(folder), "--decode-only"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode in (0, 2), done.stderr[-2000:]
    pictures = {}
    for path in paths:
        decoded = folder / f"{path.stem}.png"
        pictures[path] = Image.open(decoded) if decoded.exists() else None
    return pictures


def rgba(picture):
    """As 8 bits of red, green, blue, alpha; of more, the upper 8."""
    if picture.mode.startswith("I;16") or picture.mode == "I":
        words = list(picture.get_flattened_data())
        clear = picture.info.get("transparency")
        out = Image.new("RGBA", picture.size)
        out.putdata([(word >> 8,) * 3 + (0 if word == clear else 255,) for word in words])
        return out
    if picture.mode in ("CMYK", "YCbCr"):
        picture = picture.convert("RGB")
    return picture.convert("RGBA")


def differences(ours, theirs):
    """The largest difference of two pictures, colours of what is transparent in both left out."""
    assert ours.size == theirs.size
    ours, theirs = rgba(ours), rgba(theirs)
    clear = Image.new("RGBA", ours.size)
    ours = Image.composite(ours, clear, ours.getchannel("A").point(lambda alpha: 255 if alpha else 0))
    theirs = Image.composite(theirs, clear, theirs.getchannel("A").point(lambda alpha: 255 if alpha else 0))
    return max(most for _, most in ImageChops.difference(ours, theirs).getextrema())


def assert_same(pictures, allowed=0):
    assert pictures
    wrong = {}
    for path, ours in pictures.items():
        if ours is None:
            wrong[path.name] = "refused"
            continue
        theirs = ImageOps.exif_transpose(Image.open(path))
        if theirs.mode.startswith("I;16") and ours.mode.startswith("I;16"):
            if list(ours.get_flattened_data()) != list(theirs.get_flattened_data()):
                wrong[path.name] = "differs in 16 bits"
        elif (most := differences(ours, theirs)) > allowed:
            wrong[path.name] = most
    assert not wrong


def corpus(*patterns):
    files = sorted(file for pattern in patterns for file in CORPORA.glob(pattern))
    if not files:
        pytest.skip(f"{CORPORA} is missing")
    return files


def test_pngsuite_is_pixel_equal(tmp_path):
    files = corpus("pngsuite/*.png")
    valid = [file for file in files if not file.name.startswith("x")]
    corrupt = [file for file in files if file.name.startswith("x")]
    assert (len(valid), len(corrupt)) == (161, 14)
    pictures = decode(valid, tmp_path / "valid")
    assert_same({path: picture for path, picture in pictures.items() if path.name not in PILLOW_IS_WRONG})
    assert all(picture is None for picture in decode(corrupt, tmp_path / "corrupt").values())


def test_gray_whose_transparent_level_pillow_misses_is_as_its_colour_says(tmp_path):
    [path] = corpus("pngsuite/tbbn0g04.png")
    ours = rgba(decode([path], tmp_path)[path])
    with Image.open(path) as theirs:
        clear = theirs.info["transparency"] * 17
        expected = Image.new("RGBA", theirs.size)
        expected.putdata([(gray,) * 3 + (0 if gray == clear else 255,) for gray in theirs.convert("L").get_flattened_data()])
    assert differences(ours, expected) == 0


def test_first_frames_of_gifs_are_pixel_equal(tmp_path):
    files = [path for path in corpus("gif/*.gif", "image-rs/images/gif/*/*.gif") if path.name not in BARE]
    # Two folders have files of one name.
    files = list({path.stem: path for path in files}.values())
    pictures = decode(files, tmp_path)
    readable = {}
    for path, picture in pictures.items():
        try:
            Image.open(path).load()
        except (OSError, Image.DecompressionBombError):
            assert picture is None, path
        else:
            readable[path] = picture
    assert_same(readable)


def test_all_orientations_are_pixel_equal(tmp_path):
    assert_same(decode(corpus("exif-orientation/*.jpg"), tmp_path))


def test_webp_is_pixel_equal(tmp_path):
    # Frames of animations are blended by Pillow's libwebp with another rounding.
    files = [path for path in corpus("image-rs/images/webp/*/*.webp") if path.stem != "anim"]
    assert_same(decode(files, tmp_path))


def picture(numbers, width, height):
    """Soft shapes with noise on them."""
    coarse = Image.new("RGB", (width // 6 + 2, height // 6 + 2))
    coarse.putdata([tuple(numbers.randbytes(3)) for _ in range(coarse.width * coarse.height)])
    soft = coarse.resize((width, height), Image.Resampling.BICUBIC)
    noise = Image.frombytes("RGB", (width, height), numbers.randbytes(3 * width * height))
    return Image.blend(soft, noise, 0.1)


def test_jpeg_is_pixel_equal_to_libjpeg(tmp_path):
    """Every subsampling, baseline and progressive, with and without restarts, at sizes that end within a block."""
    numbers = random.Random(20)
    folder = tmp_path / "made"
    folder.mkdir()
    files = []

    def save(made, name, **options):
        files.append(folder / f"{len(files)}-{name}.jpg")
        made.save(files[-1], **options)

    for width, height in [(1, 1), (2, 3), (7, 9), (8, 8), (16, 16), (17, 31), (33, 15), (100, 75), (3, 130), (231, 117)]:
        made = picture(numbers, width, height)
        for subsampling in ("4:4:4", "4:2:2", "4:2:0", "4:1:1"):
            for progressive in (False, True):
                options = {"quality": numbers.choice([25, 60, 85, 95]), "progressive": progressive}
                if numbers.random() < 0.4:
                    options["restart_marker_blocks"] = numbers.choice([1, 2, 5])
                save(made, subsampling.replace(":", ""), subsampling=subsampling, **options)
        save(made.convert("L"), "gray")
        save(made.convert("L"), "gray-progressive", progressive=True)
        save(made.convert("CMYK"), "cmyk")
        save(made, "rgb", keep_rgb=True)
    assert_same(decode(files, tmp_path / "decoded"))


def test_png_of_every_mode_is_pixel_equal(tmp_path):
    numbers = random.Random(21)
    files = []
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        for width, height in ((1, 1), (13, 9), (64, 33)):
            if mode == "I;16":
                made = Image.frombytes(mode, (width, height), numbers.randbytes(2 * width * height))
            else:
                made = picture(numbers, width, height).convert(mode)
            files.append(tmp_path / f"{mode.replace(';', '')}-{width}.png")
            made.save(files[-1])
    assert_same(decode(files, tmp_path / "decoded"))


def test_a_profiles_colours_are_those_of_littlecms(tmp_path):
    [path] = corpus("image-rs/images/jpg/portrait_2.jpg")
    ours = decode([path], tmp_path)[path]
    theirs = Image.open(path)
    profile = ImageCms.getOpenProfile(io.BytesIO(theirs.info["icc_profile"]))
    theirs = ImageCms.profileToProfile(
        ImageOps.exif_transpose(theirs),
        profile,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
    )
    assert differences(ours, theirs) <= 1


def animate(paths, folder, **spec):
    """Each file's animated rendition, as Pillow opens it, and its entry in the manifest."""
    options = json.dumps({"renditions": [{"name": "all", "animated": True, **spec}]})
    command = [RENDER, *map(str, paths), str(folder), "--spec", options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    made = {}
    for path in paths:
        [entry] = json.loads((folder / path.name / "manifest.json").read_text())["renditions"]
        made[path] = (Image.open(folder / path.name / "all.webp"), entry)
    return made


def frames(picture):
    """Each frame's pixels, and how long it stands, in ms."""
    for number in range(picture.n_frames):
        picture.seek(number)
        picture.load()
        yield picture.convert("RGBA"), picture.info.get("duration", 0)


def assert_same_frames(ours, theirs, allowed=0, durations=True):
    assert ours.n_frames == theirs.n_frames
    for number, ((our, our_duration), (their, their_duration)) in enumerate(zip(frames(ours), frames(theirs))):
        most = differences(our, their)
        assert most <= allowed, f"frame {number} differs by {most}"
        if durations:
            assert our_duration == their_duration, f"frame {number}"


def moving(mode, count, size=(48, 32)):
    """A disc that moves over a ground of stripes; in modes with alpha the ground is clear below."""
    made = []
    for number in range(count):
        picture = Image.new("RGBA", size)
        for y in range(size[1]):
            for x in range(size[0]):
                is_disc = (x - 4 - 5 * number) ** 2 + (y - 12) ** 2 < 40
                ground = (30 * (x // 12), 200 - 5 * y, 90, 0 if mode == "RGBA" and y > 20 else 255)
                picture.putpixel((x, y), (240, 40, 30 * number, 255) if is_disc else ground)
        made.append(picture.convert(mode))
    return made


@pytest.mark.parametrize("loop,expected", [(None, 1), (0, 0), (1, 2), (6, 7)])
@pytest.mark.parametrize("disposal", [0, 1, 2])
def test_an_animated_gif_is_a_webp_of_the_same_frames(tmp_path, loop, expected, disposal):
    path = tmp_path / "moving.gif"
    first, *rest = moving("RGBA" if disposal == 2 else "RGB", 7)
    durations = [50, 70, 1000, 20, 100, 40, 250]
    more = {} if loop is None else {"loop": loop}
    first.save(path, save_all=True, append_images=rest, duration=durations, disposal=disposal, **more)
    ours, entry = animate([path], tmp_path / "made", lossless=True)[path]
    assert_same_frames(ours, Image.open(path))
    assert ours.info["loop"] == expected
    assert [duration for _, duration in frames(ours)] == durations
    assert (entry["frames"], entry["duration_ms"], entry["loop_count"]) == (7, sum(durations), expected)
    smaller, entry = animate([path], tmp_path / "smaller", width=24, quality=95)[path]
    assert (smaller.size, smaller.n_frames, entry["quality"]) == ((24, 16), 7, 95)


def test_an_animated_png_and_webp_are_a_webp_of_the_same_frames(tmp_path):
    first, *rest = moving("RGBA", 6)
    files = []
    for blend in (0, 1):
        # (Where both a frame lets through what is below and that is to come back, Pillow keeps the frame.)
        for disposal in (0, 1, 2) if blend == 0 else (0, 1):
            files.append(tmp_path / f"{blend}{disposal}.png")
            first.save(files[-1], save_all=True, append_images=rest, duration=80, loop=3, blend=blend, disposal=disposal)
    for number, options in enumerate([{"lossless": True}, {"quality": 90}, {"quality": 60, "allow_mixed": True}]):
        files.append(tmp_path / f"{number}.webp")
        first.save(files[-1], save_all=True, append_images=rest, duration=80, loop=3, **options)
    for path, (ours, entry) in animate(files, tmp_path / "made", lossless=True).items():
        # Lossy chroma is spread over pixels by one rounding here, by another there.
        assert_same_frames(ours, Image.open(path), allowed=0 if path.suffix == ".png" else 2)
        assert (ours.info["loop"], entry["duration_ms"]) == (3, 480), path.name


def test_animations_of_others_have_the_frames_that_pillow_sees(tmp_path):
    files = corpus("gif/*.gif", "image-rs/images/gif/anim/*.gif", "image-rs/images/png/apng/*.png", "image-rs/images/png/apng/wpt/*.png")
    animated = {}
    for path in files:
        try:
            theirs = Image.open(path)
            # Pillow counts a PNG's picture that is no part of its animation as a frame.
            is_taken = path.name not in BARE and not getattr(theirs, "default_image", False)
            if is_taken and theirs.n_frames > 1 and theirs.width * theirs.height * theirs.n_frames < 2e7:
                animated[path] = theirs
        except (OSError, Image.DecompressionBombError):
            continue
    assert animated
    for path, (ours, _) in animate(list(animated), tmp_path, lossless=True).items():
        # What two hundredths of a second and less become is ours to say.
        assert_same_frames(ours, animated[path], durations=False)
