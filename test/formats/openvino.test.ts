// OpenVINO's XML: what is written is read the same, and names with odd letters survive.
import { expect, test } from 'vitest'
import { type IrNet, readOpenvino, writeOpenvino } from '../../src/formats/openvino.ts'

const net: IrNet = {
  name: 'a <"net"> & more',
  version: 11,
  layers: [
    {
      id: 0,
      name: 'x',
      type: 'Parameter',
      version: 'opset1',
      data: new Map([
        ['shape', '?,3'],
        ['element_type', 'f32'],
      ]),
      inputs: [],
      outputs: [{ id: 0, precision: 'FP32', names: ['x', 'a,b'], dims: [-1, 3] }],
      outputNames: [],
      body: false,
    },
    {
      id: 1,
      name: 'line\nbreak',
      type: 'Result',
      version: 'opset1',
      data: new Map(),
      inputs: [{ id: 0, precision: 'FP32', names: [], dims: [-1, 3] }],
      outputs: [],
      outputNames: ['y,z'],
      body: false,
    },
  ],
  edges: [{ fromLayer: 0, fromPort: 0, toLayer: 1, toPort: 0 }],
}

test('a net is read as it was written', () => {
  expect(readOpenvino(writeOpenvino(net), 'm.xml')).toEqual(net)
})
