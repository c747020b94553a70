"""The whole network against an independent implementation: float64, outputs ≤ 1e-9, gradients ≤ 1e-6 relative.

What SeisBench's gave in PyTorch lies in tests/golden, whose make.py made it and draws the same weights here.
"""

from __future__ import annotations

import numpy as np
import pytest
from golden import make
from golden.read import read

from minieqt.backend import using
from minieqt.weights import from_seisbench, to_seisbench


def under(golden, prefix):
    """{name: array} of the entries of an .npz below a prefix."""
    return {name[len(prefix) :]: golden[name] for name in golden.files if name.startswith(prefix)}


@pytest.mark.parametrize("file, gate, blocks", [("conservative", "hard_sigmoid", 3), ("original", "sigmoid", 2)])
def test_forward(file, gate, blocks):
    golden, state = read(f"forward_{file}", gate, blocks)
    model = from_seisbench(state, gate=gate, dtype="float64")
    assert model.config["lstm_blocks"] == blocks

    x = make.windows().astype("float64")
    for outputs, name in zip(model.forward(x), ("detection", "P", "S"), strict=True):
        np.testing.assert_allclose(outputs, golden[f"out/{name}"], rtol=0, atol=1e-9)

    y = model.encoder.forward(x)
    np.testing.assert_allclose(y, golden["inter/encoder"], rtol=0, atol=1e-9)
    y = model.rescnn.forward(y)
    np.testing.assert_allclose(y, golden["inter/res_cnn_stack"], rtol=0, atol=1e-9)
    y = model.bilstm.forward(y)
    np.testing.assert_allclose(y, golden["inter/bi_lstm_stack"], rtol=0, atol=1e-9)
    for transformer, name in zip(model.transformers, ("transformer_d0", "transformer_d"), strict=True):
        y = transformer.forward(y)
        np.testing.assert_allclose(y, golden[f"inter/{name}"], rtol=0, atol=1e-9)
        weights = golden[f"inter/{name}/attention"]
        np.testing.assert_allclose(transformer.attention.weights, weights, rtol=0, atol=1e-9)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype, mode, tolerance", [("float64", "readable", 1e-9), ("float32", "fast", 1e-4)])
def test_forward_on_a_gpu(gpu, dtype, mode, tolerance):
    """Launched, captured, replayed: three times the same."""
    golden, state = read("forward_conservative", "hard_sigmoid", 3)
    model = from_seisbench(state, gate="hard_sigmoid", dtype=dtype).to("cuda")
    with using(mode):
        for _ in range(3):
            for outputs, name in zip(model.forward(make.windows()), ("detection", "P", "S"), strict=True):
                np.testing.assert_allclose(outputs.get(), golden[f"out/{name}"], rtol=0, atol=tolerance)


def test_training_step():
    golden, state = read("train_step", "sigmoid", 2)
    model = from_seisbench(state, gate="sigmoid", dtype="float64", drop_rate=0.0)
    model.train()
    loss = model.loss(make.windows().astype("float64"), make.labels().astype("float64"))
    assert loss == pytest.approx(float(golden["loss"]), abs=1e-12)
    model.backward()

    expected = {name: gradient.astype("float64") for name, gradient in under(golden, "grad/").items()}
    gradients = to_seisbench(model, "gradients")
    # The golden file writes the BiLSTM's directions in SeisBench's own cell and the phases' in torch.nn.LSTM.
    gradients |= to_seisbench(model, "gradients", custom_cell=True)
    assert expected.keys() <= gradients.keys()
    # Some gradients are zero but for rounding: a bias before batch normalisation, an attention's ba (it cancels in
    # e - max e). Those are measured against a millionth of the whole gradient, all others against themselves.
    floor = 1e-6 * np.linalg.norm([np.linalg.norm(gradient) for gradient in expected.values()])
    for name, gradient in expected.items():
        error = np.linalg.norm(gradients[name] - gradient)
        scale = max(np.linalg.norm(gradient), floor)
        assert error <= 1e-6 * scale, f"{name}: relative error {error / scale:.1e}"
