// OpenVINO IR: an .xml file and the .bin of its constants. Recognised here; read by code that is loaded when one is opened.
import { isOpenvino } from './openvino/probe.ts'
import type { Importer } from './types.ts'

export const openvino: Importer = {
  id: 'openvino',
  label: 'OpenVINO IR',
  extensions: ['.xml'],
  probe: async files => {
    for (const [path, source] of files) if (await isOpenvino(path, source)) return 1
    return 0
  },
  read: async (files, main) => (await import('./openvino/read.ts')).readModel(files, main),
}
