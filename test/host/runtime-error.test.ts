// Messages that onnxruntime-web 1.30 gave, and what is made of them.
import { describe, expect, test } from 'vitest'
import { inModel, runtimeError } from '../../src/host/runtime-error.ts'
import { build } from '../build.ts'

const session = (words: string): Error =>
  new Error(`Can't create a session. ERROR_CODE: 1, ERROR_MESSAGE: Fatal error: ${words}`)

describe('words of the runtime', () => {
  test('an operator of a domain that it does not know is named, with its node', () => {
    const model = build('graph (x: f32[1,4]) -> (y) { y = com.acme.SuperNorm(x) }', { domains: { 'com.acme': 1 } })
    const error = runtimeError(session('com.acme:SuperNorm(-1) is not a registered function/op'), 'load')
    expect(error).toMatchObject({ code: 'unsupported' })
    expect(inModel(error, model)).toMatchObject({
      message: 'The runtime does not know the operator com.acme.SuperNorm',
      where: { node: model.graph.nodes[0].id },
      hint: expect.stringMatching(/--outputs/),
    })
  })

  test('a standard operator that it does not know is named without a domain', () => {
    const error = runtimeError(new Error('No Op registered for Whatever with domain_version of 17'), 'load')
    expect(error.message).toBe('The runtime does not know the operator Whatever')
  })

  test('an operator without a kernel for its type is named with the node that the runtime names', () => {
    const words = "Could not find an implementation for Conv(11) node with name 'stem'"
    expect(runtimeError(new Error(words), 'load')).toMatchObject({ code: 'unsupported', where: { node: 'stem' } })
  })

  test('a node that fails while it runs is named', () => {
    const words = "Non-zero status code returned while running Reshape node. Name:'flat' Status Message: sizes differ"
    expect(runtimeError(new Error(words), 'run')).toMatchObject({ code: 'malformed', where: { node: 'flat' } })
  })

  test('samples of a wrong shape are a fault of the data', () => {
    const words = 'Got invalid dimensions for input: x for the following indices\n index: 2 Got: 9 Expected: 8'
    expect(runtimeError(new Error(words), 'run').code).toBe('bad-data')
  })

  test.each([
    ['a number, which is a pointer to what the engine threw', 18446744],
    ['std::bad_alloc', new Error('std::bad_alloc')],
    ['a memory that cannot grow', new RangeError('WebAssembly.Memory.grow(): Array buffer allocation failed')],
  ])('%s means that memory ran out, with what helps', (_, thrown) => {
    const error = runtimeError(thrown, 'run')
    expect(error.code).toBe('out-of-memory')
    expect(error.hint).toMatch(/batch.*--shape.*--threads/)
  })
})
