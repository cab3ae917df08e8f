// What chips can do at most, as published: multiply-accumulates a second by format, without sparsity, and bytes a second from memory.
// Vendors count a multiply-accumulate as two operations. What has no source is left out.

export interface Chip {
  id: string
  label: string
  /** Targets whose bundles run on it. */
  targets: readonly string[]
  macsPerSecond: Readonly<Partial<Record<'float32' | 'float16' | 'int8', number>>>
  /** Null where it is not published, or depends on the board. */
  bytesPerSecond: number | null
  sources: readonly string[]
}

const tera = 1e12 / 2 // of operations, in multiply-accumulates
const giga = 1e9

export const chips: readonly Chip[] = [
  {
    id: 't4',
    label: 'NVIDIA T4',
    targets: ['tensorrt', 'onnxruntime'],
    macsPerSecond: { float32: 8.1 * tera, float16: 65 * tera, int8: 130 * tera },
    bytesPerSecond: 320 * giga,
    sources: [
      'https://heise.de/news/Nvidia-Tesla-P4-K-I-Beschleuniger-mit-8-TFlops-bei-75-Watt-Leistungsaufnahme-4164684.html',
      'https://sysrqmts.com/en/gpus/nvidia/tesla/t4',
    ],
  },
  {
    id: 'orin-nano-8gb',
    label: 'Jetson Orin Nano 8 GB',
    targets: ['tensorrt', 'onnxruntime'],
    macsPerSecond: { int8: 20 * tera },
    bytesPerSecond: 68 * giga,
    sources: [
      'https://www.scribd.com/document/673174036/Orin-nano-datasheet',
      'https://www.brojogopalsapui.com/ai-foundations/sub_contents/AI_hardware/jetson_orin_nano_light.html',
    ],
  },
  {
    id: 'rk3588',
    label: 'Rockchip RK3588',
    targets: ['rknn'],
    macsPerSecond: { int8: 6 * tera },
    bytesPerSecond: 34 * giga,
    sources: [
      'https://boardor.com/blog/performance-evaluation-of-rockchip-rk3588-to-rk3562-npu-part-2',
      'https://forum.radxa.com/t/rock-5a-lpddr4x-memory-bandwidth/19293',
    ],
  },
  {
    id: 'rk3568',
    label: 'Rockchip RK3568',
    targets: ['rknn:rk3568'],
    macsPerSecond: { int8: 1 * tera },
    bytesPerSecond: null,
    sources: ['http://mbb.eet-china.com/tags/17067.html'],
  },
  {
    id: 'rv1126',
    label: 'Rockchip RV1126',
    targets: ['rknn:rv1126'],
    macsPerSecond: { int8: 2 * tera },
    bytesPerSecond: null,
    sources: ['https://huggingface.co/opencv/opencv_zoo/commit/443b117dfaad489de1a1a1435e96d6a884ef59bd'],
  },
]
