"""One peer's way from a photo to renditions: `peers.py PEER FORMATS IN OUT_DIR`, on one thread."""

import os
import sys

WIDTHS = [2048, 1024, 320]
QUALITY = 80


def pyvips_chain(formats, source, out):
    """Decodes once and makes each width of the next larger one."""
    import pyvips

    picture = pyvips.Image.new_from_file(source, access="sequential")
    for width in WIDTHS:
        picture = picture.resize(width / picture.width, kernel="lanczos3").copy_memory()
        for name in formats:
            picture.write_to_file(f"{out}/{width}.{name}", Q=QUALITY, strip=True)


def pyvips_thumbnail(formats, source, out):
    """A thumbnail of the file for each width."""
    import pyvips

    for width in WIDTHS:
        picture = pyvips.Image.thumbnail(source, width).copy_memory()
        for name in formats:
            picture.write_to_file(f"{out}/{width}.{name}", Q=QUALITY, strip=True)


def pillow(formats, source, out):
    from PIL import Image

    picture = Image.open(source)
    picture.load()
    for width in WIDTHS:
        picture = picture.resize((width, width * picture.height // picture.width), Image.LANCZOS)
        for name in formats:
            picture.save(f"{out}/{width}.{name}", quality=QUALITY)


if __name__ == "__main__":
    os.environ["VIPS_CONCURRENCY"] = "1"
    peer, formats, source, out = sys.argv[1:]
    globals()[peer](formats.split(","), source, out)
