// sharp's way from a photo to renditions: `node sharp.mjs FORMATS THREADS IN OUT_DIR`.
import sharp from "sharp";

const [formats, threads, source, out] = process.argv.slice(2);
sharp.concurrency(Number(threads));
sharp.cache(false);
const jobs = [];
const photo = sharp(source, { sequentialRead: true });
for (const width of [2048, 1024, 320]) {
  const resized = photo.clone().resize({ width, kernel: "lanczos3" });
  for (const format of formats.split(",")) {
    const made = resized.clone().toFormat(format === "jpg" ? "jpeg" : format, { quality: 80 });
    const job = () => made.toFile(`${out}/${width}.${format}`);
    if (Number(threads) > 1) jobs.push(job());
    else await job();
  }
}
await Promise.all(jobs);
