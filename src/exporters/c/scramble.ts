// Weights that do not stand in the source: each byte is XORed with a stream that a key of 64 bits makes, and restored into RAM at the first
// run. MACE hides models that it compiles into code in this way. It keeps a file from being read at a glance, and no more: a program that
// runs holds the plain numbers, and the stream is no cipher.
//
// The stream's words are murmur3's finaliser over a counter and both halves of the key (Appleby 2011, MurmurHash3.cpp, fmix32).
import type { CType, Table } from './kernel.ts'
import { tableText } from './text.ts'

export interface Key {
  low: number
  high: number
}

/** Of 16 hexadecimal digits. */
export const keyOf = (digits: string): Key => ({
  high: Number.parseInt(digits.slice(-16, -8), 16),
  low: Number.parseInt(digits.slice(-8), 16),
})

function mixed(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** The stream's word at a place, of which a byte takes the lowest bits. */
export const streamAt = (at: number, { low, high }: Key): number => mixed(mixed((at + low) | 0) ^ high) >>> 0

export class Scrambler {
  private readonly calls: string[] = []
  private readonly types = new Set<CType>()
  private at = 0

  constructor(private readonly key: Key) {}

  /** Bytes of RAM that hold the plain tables. */
  get bytes(): number {
    return this.at
  }

  /** A table of bytes as it stands in the source, and room for what it is restored to. */
  text(name: string, hidden: string, { type, values }: Table): string {
    const bytes = Uint8Array.from({ length: values.length }, (_, i) => values[i] ^ streamAt(this.at + i, this.key))
    this.types.add(type)
    this.calls.push(`unscramble_${type}(${name}, ${hidden}, ${values.length}, ${this.at}u);`)
    this.at += values.length
    return `${tableText(hidden, { name: hidden, type: 'uint8_t', values: bytes })}\nstatic ${type} ${name}[${values.length}];`
  }

  /** What restores all tables, once. */
  get definition(): string {
    const each = [...this.types].map(
      type => `static void unscramble_${type}(${type} *to, const uint8_t *from, int32_t count, uint32_t at) {
for (int32_t i = 0; i < count; i++) to[i] = (${type})(uint8_t)(from[i] ^ stream_at(at + (uint32_t)i));
}`,
    )
    return `#ifndef MODEL_KEY
#error "The weights are scrambled: compile with -DMODEL_KEY=0x...ULL, the key that they were written with."
#endif
static uint32_t mixed(uint32_t h) {
h = (h ^ (h >> 16)) * 0x85ebca6bu;
h = (h ^ (h >> 13)) * 0xc2b2ae35u;
return h ^ (h >> 16);
}
static uint32_t stream_at(uint32_t at) {
return mixed(mixed(at + (uint32_t)(MODEL_KEY & 0xffffffffu)) ^ (uint32_t)(MODEL_KEY >> 32));
}
${each.join('\n')}
/* Restores the tables before the first run. */
static void unscramble(void) {
static int done = 0;
if (done) return;
${this.calls.join('\n')}
done = 1;
}`
  }
}
