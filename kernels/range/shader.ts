// WGSL twin of reference.ts; with the table, of histogram/reference.ts. Elements are read as bits and never compared as
// floats: an implementation may assume that there is no NaN, and may flush what is subnormal.

const source = (table: boolean): string => /* wgsl */ `
struct Params { n: u32, slot: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> stats: array<atomic<u32>>; // 5 a slot, as in reference.ts
@group(0) @binding(2) var<uniform> params: Params;
${table ? '@group(0) @binding(3) var<storage, read_write> table: array<atomic<u32>>;' : ''}

var<workgroup> low: atomic<u32>;
var<workgroup> high: atomic<u32>;
var<workgroup> nan: atomic<u32>;
var<workgroup> infinite: atomic<u32>;
var<workgroup> positiveZeros: atomic<u32>;
var<workgroup> negativeZeros: atomic<u32>;

@compute @workgroup_size(256)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  if (local == 0u) { atomicStore(&low, 0xffffffffu); }
  workgroupBarrier();
  var a = 0xffffffffu;
  var b = 0u;
  var nans = 0u;
  var infinities = 0u;
  var plus = 0u;
  var minus = 0u;
  for (var i = id.x; i < params.n; i += groups.x * 256u) {
    let bits = x[i];
    let size = bits & 0x7fffffffu;
    var key = bits ^ 0xffffffffu;
    if (bits < 0x80000000u) { key = bits | 0x80000000u; }
    if (bits == 0x80000000u) { key = bits; }
    if (size > 0x7f800000u) { nans += 1u; }
    else if (size == 0x7f800000u) { infinities += 1u; }
    else { a = min(a, key); b = max(b, key); }
    // Zeros are the one value that half of all elements may share: they are counted apart, or all threads would wait for one bin.
    if (bits == 0u) { plus += 1u; }
    else if (bits == 0x80000000u) { minus += 1u; }
    ${table ? 'else { atomicAdd(&table[bits >> 16u], 1u); }' : ''}
  }
  atomicMin(&low, a);
  atomicMax(&high, b);
  if (nans > 0u) { atomicAdd(&nan, nans); }
  if (infinities > 0u) { atomicAdd(&infinite, infinities); }
  if (plus > 0u) { atomicAdd(&positiveZeros, plus); }
  if (minus > 0u) { atomicAdd(&negativeZeros, minus); }
  workgroupBarrier();
  if (local == 0u) {
    let s = params.slot * 5u;
    let p = atomicLoad(&positiveZeros);
    let m = atomicLoad(&negativeZeros);
    atomicMin(&stats[s], atomicLoad(&low));
    atomicMax(&stats[s + 1u], atomicLoad(&high));
    atomicAdd(&stats[s + 2u], atomicLoad(&nan));
    atomicAdd(&stats[s + 3u], atomicLoad(&infinite));
    atomicAdd(&stats[s + 4u], p + m);
    ${table ? 'atomicAdd(&table[0], p); atomicAdd(&table[0x8000], m);' : ''}
  }
}
`
export const rangeShader = source(false)
export const histogramShader = source(true)
