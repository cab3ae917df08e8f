import type { Words } from '../en/index.ts'

export const home: Words['home'] = {
  title: '压缩神经网络，看清代价',
  drop: '将模型拖到这里',
  dropMore:
    '支持 ONNX、TensorFlow Lite、ncnn、OpenVINO、MNN 和 Caffe：请将模型的所有文件一起拖入，也可同时拖入图片文件夹。',
  dropNow: '松开即可打开',
  pickModel: '选择模型…',
  pickFolder: '选择文件夹…',
  stays: '文件只在此浏览器中读取和处理，不会发送任何内容。',
  samples: '示例',
  samplesAbout: '自带模型、数据和配方，一键完成全部流程。',
  runSample: '运行',
  recent: '最近',
  resume: '继续',
  elsewhere: '已在其他标签页打开',
  stage: {
    model: '已打开模型',
    data: '已添加数据',
    ready: '可以运行',
    running: '运行中',
    interrupted: '已中断',
    done: '已完成',
    failed: '失败',
  },
  interrupted: name => `${name} 的运行被中断，已完成的部分均已保留。`,
  deleteAsk: name => `删除 ${name} 及其模型、数据和结果？`,
  opening: '正在打开',
  copying: '正在复制到浏览器存储并读取计算图',
}
