# Runs model.prototxt and model.caffemodel of each folder in OpenCV's dnn on its inputs.npz and writes outputs.npz.
import os
import signal
import sys

import cv2
import numpy as np


def run(folder):
    path = lambda name: os.path.join(folder, name)
    net = cv2.dnn.readNetFromCaffe(path('model.prototxt'), path('model.caffemodel'))
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.enableWinograd(False)
    inputs = np.load(path('inputs.npz'))
    for name in inputs.files:
        net.setInput(inputs[name], name)
    names = net.getUnconnectedOutLayersNames()
    np.savez(path('outputs.npz'), **{name: np.array(value) for name, value in zip(names, net.forward(names))})


# Each in a process of its own: a network that the runtime does not survive takes no other with it.
for folder in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        signal.alarm(100)
        run(folder)
        os._exit(0)
    os.waitpid(child, 0)
