"""Makes reference.json: what Pillow and OpenCV give for the pictures that the tests make or hold.

    python test/data/reference.py [folder of photographs]

Resampling: pictures from a linear congruential generator, so that only hashes are kept. OpenCV runs its plain code (no AVX2), which
is the same on every machine. Images: small files in base64, and the hash of Image.open(f).convert('RGB').
"""

import base64
import hashlib
import io
import json
import pathlib
import sys

import cv2
import numpy as np
from PIL import Image

cv2.setUseOptimized(False)
sha = lambda a: hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()


def picture(width, height, channels, seed):
    """Smooth slopes with noise on top: x * 3 + y * 5 + c * 40 + noise of 0..63, modulo 256."""
    state, out = seed, []
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                state = (state * 1664525 + 1013904223) % 4294967296
                out.append((x * 3 + y * 5 + c * 40 + (state >> 26)) % 256)
    return np.array(out, np.uint8).reshape(height, width, channels)


SIZES = [
    # from (width, height, channels), to (width, height)
    (40, 30, 3, 17, 13), (17, 13, 3, 40, 30), (64, 64, 3, 32, 32), (33, 21, 1, 11, 7), (9, 50, 3, 20, 12),
    (50, 9, 3, 12, 20), (1, 1, 3, 5, 4), (31, 47, 1, 31, 20), (31, 47, 3, 12, 47), (60, 82, 3, 64, 72),
    (45, 80, 3, 91, 163), (100, 100, 1, 80, 59), (100, 100, 1, 80, 61), (56, 48, 3, 14, 16), (37, 29, 3, 36, 28),
]
PIL = {'bilinear': Image.BILINEAR, 'bicubic': Image.BICUBIC, 'area': Image.BOX, 'nearest': Image.NEAREST}
CV = {'bilinear': cv2.INTER_LINEAR, 'bicubic': cv2.INTER_CUBIC, 'area': cv2.INTER_AREA, 'nearest': cv2.INTER_NEAREST}


def resize_cases():
    for seed, (w, h, c, to_w, to_h) in enumerate(SIZES):
        a = picture(w, h, c, seed)
        flat = a[..., 0] if c == 1 else a
        for name in PIL:
            yield {
                'from': [w, h, c], 'seed': seed, 'to': [to_w, to_h], 'filter': name,
                'pil': sha(np.asarray(Image.fromarray(flat).resize((to_w, to_h), PIL[name]))),
                'opencv': sha(cv2.resize(flat, (to_w, to_h), interpolation=CV[name])),
            }


def image_files():
    rgb = Image.fromarray(picture(23, 17, 3, 99))
    rgba = Image.fromarray(picture(23, 17, 4, 98))
    deep = picture(23, 17, 3, 97).astype(np.uint16) * 251 + 17
    exif = Image.Exif()
    exif[0x112] = 6

    def save(image, kind, **options):
        out = io.BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    yield 'jpeg 4:2:0', save(rgb, 'JPEG', quality=80, subsampling='4:2:0')
    yield 'jpeg 4:2:2 progressive', save(rgb, 'JPEG', quality=90, subsampling='4:2:2', progressive=True)
    yield 'jpeg 4:4:4', save(rgb, 'JPEG', quality=70, subsampling='4:4:4')
    yield 'jpeg grey', save(rgb.convert('L'), 'JPEG')
    yield 'jpeg turned by EXIF', save(rgb, 'JPEG', exif=exif)
    yield 'png', save(rgb, 'PNG')
    yield 'png with alpha', save(rgba, 'PNG')
    yield 'png grey', save(rgb.convert('L'), 'PNG')
    yield 'png grey with alpha', save(rgba.convert('LA'), 'PNG')
    yield 'png palette of 16', save(rgb.quantize(16), 'PNG')
    yield 'png palette with transparency', save(rgb.quantize(200), 'PNG', transparency=3)
    yield 'png of 1 bit', save(rgb.convert('1'), 'PNG')
    yield 'png of 16 bits', cv2.imencode('.png', deep)[1].tobytes()
    yield 'webp', save(rgb, 'WEBP', quality=80)
    yield 'webp lossless with alpha', save(rgba, 'WEBP', lossless=True)
    yield 'bmp', save(rgb, 'BMP')
    yield 'bmp with alpha', save(rgba, 'BMP')
    yield 'bmp palette', save(rgb.quantize(16), 'BMP')
    yield 'bmp grey', save(rgb.convert('L'), 'BMP')
    yield 'bmp of 1 bit', save(rgb.convert('1'), 'BMP')


def photographs(folder):
    whole = hashlib.sha256()
    for path in sorted(folder.glob('*.jpg')):
        whole.update(np.asarray(Image.open(path).convert('RGB')).tobytes())
    return whole.hexdigest()


images = []
for name, data in image_files():
    image = Image.open(io.BytesIO(data)).convert('RGB')
    images.append({'name': name, 'file': base64.b64encode(data).decode(), 'size': image.size, 'rgb': sha(np.asarray(image))})
grey = {
    'pil': sha(np.asarray(Image.fromarray(picture(23, 17, 3, 96)).convert('L'))),
    'opencv': sha(cv2.cvtColor(picture(23, 17, 3, 96), cv2.COLOR_RGB2GRAY)),
}
reference = {'resize': list(resize_cases()), 'images': images, 'grey': grey}
target = pathlib.Path(__file__).with_name('reference.json')
old = json.loads(target.read_text()) if target.exists() else {}
reference['photographs'] = photographs(pathlib.Path(sys.argv[1])) if len(sys.argv) > 1 else old.get('photographs')
target.write_text(json.dumps(reference, indent=1) + '\n')
