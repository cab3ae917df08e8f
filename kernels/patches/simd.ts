// AssemblyScript twin of reference.ts, row by row of the output.

// biome-ignore format: one argument a number
export function patches(x: usize, _n: i32, columns: usize, channels: i32, h: i32, w: i32, oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32, dh: i32, dw: i32, top: i32, left: i32): void {
  const rowBytes = (<usize>ow) << 2
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < kh; i++)
      for (let j = 0; j < kw; j++) {
        const shift = j * dw - left
        // The first place whose column is not left of the map, and the first that is right of it.
        const first = shift < 0 ? min(ow, (-shift + sw - 1) / sw) : 0
        const last = w > shift ? max(first, min(ow, (w - shift + sw - 1) / sw)) : first
        for (let oy = 0; oy < oh; oy++) {
          const y = oy * sh - top + i * dh
          if (y < 0 || y >= h || first === last) memory.fill(columns, 0, rowBytes)
          else {
            clear(columns, first)
            const source = x + ((<usize>((c * h + y) * w + first * sw + shift)) << 2)
            const target = columns + ((<usize>first) << 2)
            if (sw === 1) copy(target, source, last - first)
            else
              for (let k = 0; k < last - first; k++)
                store<f32>(target + ((<usize>k) << 2), load<f32>(source + ((<usize>(k * sw)) << 2)))
            clear(columns + ((<usize>last) << 2), ow - last)
          }
          columns += rowBytes
        }
      }
}

// Rows are short: the calls behind memory.copy and memory.fill would take longer than what they do.

function clear(target: usize, count: i32): void {
  for (let k = 0; k < count; k++, target += 4) store<f32>(target, 0)
}

export function copy(target: usize, source: usize, count: i32): void {
  let k = 0
  for (; k + 4 <= count; k += 4, target += 16, source += 16) v128.store(target, v128.load(source))
  for (; k < count; k++, target += 4, source += 4) store<f32>(target, load<f32>(source))
}
