// AssemblyScript twin of reference.ts, row by row of the output; no two elements of a row meet in the image.

// biome-ignore format: one argument a number
export function addPatches(columns: usize, _n: i32, x: usize, channels: i32, h: i32, w: i32, oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, top: i32, left: i32): void {
  const rowBytes = (<usize>ow) << 2
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < kh; i++)
      for (let j = 0; j < kw; j++) {
        const shift = j * dw - left
        const first = shift < 0 ? min(ow, (-shift + sw - 1) / sw) : 0
        const last = w > shift ? max(first, min(ow, (w - shift + sw - 1) / sw)) : first
        for (let oy = 0; oy < oh; oy++, columns += rowBytes) {
          const y = oy * sh - top + i * dh
          if (y < 0 || y >= h) continue
          let target = x + ((<usize>((c * h + y) * w + first * sw + shift)) << 2)
          let source = columns + ((<usize>first) << 2)
          const end = columns + ((<usize>last) << 2)
          if (sw === 1)
            for (; source + 16 <= end; source += 16, target += 16)
              v128.store(target, f32x4.add(v128.load(target), v128.load(source)))
          for (; source < end; source += 4, target += (<usize>sw) << 2)
            store<f32>(target, load<f32>(target) + load<f32>(source))
        }
      }
}
