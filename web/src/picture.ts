/** A chosen file becomes a small upright JPEG where the browser can read it, and goes as it is where it cannot. */
import { drawn } from "./camera.ts";

/** The file types of the picker. Not HEIC: asked for these, iOS converts. */
export const ACCEPTED = "image/jpeg,image/png,image/webp";

/** Whether the file may be a picture: browsers name the types of all but unusual ones. */
export const mayBePicture = ({ size, type }: Blob) => size > 0 && (!type || type.startsWith("image/"));

/** Decoding is the `<img>`'s: it turns by EXIF in every browser, which createImageBitmap does not. */
export async function prepared(file: Blob): Promise<Blob> {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const { naturalWidth: width, naturalHeight: height } = image;
    return (await drawn(image, { x: 0, y: 0, width, height })) ?? file;
  } catch {
    return file; // HEIC outside Safari, for one: the server reads it
  } finally {
    URL.revokeObjectURL(url);
  }
}
