"""A picture to make thumbnails of: 1600 x 1200, soft colours and some grain, always the same bytes for a Pillow."""

import random
import sys

from PIL import Image

WIDTH, HEIGHT = 1600, 1200
random.seed(7)
small = Image.new("RGB", (40, 30))
small.putdata([tuple(random.randrange(256) for _ in range(3)) for _ in range(40 * 30)])
picture = small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
grain = Image.frombytes("L", (WIDTH, HEIGHT), random.randbytes(WIDTH * HEIGHT)).convert("RGB")
Image.blend(picture, grain, 0.06).save(sys.argv[1], "JPEG", quality=88)
