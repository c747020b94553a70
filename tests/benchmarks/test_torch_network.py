"""The peer that the GPU benchmark brings along is the same network: outputs and gradients."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt import EQTransformer
from minieqt.loss import WEIGHTS
from minieqt.weights import to_seisbench

torch = pytest.importorskip("torch", reason="PyTorch is a peer: pip install -e '.[peers]'")


@pytest.fixture
def filled():
    """Both networks with the same numbers: ours, and the peer with all dropout off."""

    def fill(length, lstm_blocks):
        from torch_network import TorchEQTransformer

        model = EQTransformer(lstm_blocks=lstm_blocks, length=length, dtype="float64", drop_rate=0.0, seed=4)
        peer = TorchEQTransformer(lstm_blocks, length).double().eval()
        state = {name: torch.tensor(np.asarray(array)) for name, array in to_seisbench(model).items()}
        missing, unknown = peer.load_state_dict(state, strict=False)
        assert not unknown and all(name.endswith("num_batches_tracked") for name in missing)
        return model, peer

    return fill


def test_same_outputs(rng, filled):
    model, peer = filled(6000, 2)
    x = rng.standard_normal((1, 3, 6000))
    with torch.no_grad():
        outputs = [torch.sigmoid(z).numpy() for z in peer(torch.tensor(x))]
    np.testing.assert_allclose(outputs, model.eval().forward(x), rtol=1e-10)


def test_same_gradients(rng, filled):
    model, peer = filled(256, 3)
    for module in peer.modules():  # batch statistics on
        if isinstance(module, torch.nn.BatchNorm1d):
            module.train()
    x, labels = rng.standard_normal((2, 3, 256)), rng.uniform(size=(2, 3, 256))

    loss = model.train().loss(x, labels)
    model.backward()
    logits = peer(torch.tensor(x))
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    pairs = zip(WEIGHTS, logits, torch.tensor(labels).unbind(1), strict=True)
    peers_loss = sum(weight * entropy(z, y) for weight, z, y in pairs)
    peers_loss.backward()
    assert float(peers_loss.detach()) == pytest.approx(loss, rel=1e-10)
    gradients, found = to_seisbench(model, "gradients"), dict(peer.named_parameters())
    largest = max(np.abs(array).max() for array in gradients.values())
    for name, gradient in gradients.items():
        np.testing.assert_allclose(found[name].grad.numpy(), gradient, rtol=1e-6, atol=1e-9 * largest, err_msg=name)
