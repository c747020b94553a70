"""Every twin against its definition: equal signatures, forward and backward together, and the same numbers.

Twins are found by walking the package, never listed. What an accelerated function takes is in CASES; one that is not
there fails the test. The definition runs in float64, its twin in float32 on the same (float32) numbers.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import kernels.cpu
import minieqt
from kernels.cuda import on_host
from minieqt import backend
from minieqt.blocks.decoder import decoder_crops
from minieqt.blocks.encoder import FILTERS, KERNELS
from minieqt.layers.batchnorm import batch_statistics
from minieqt.philox import Randomness

TOLERANCE = 1e-4
FLOOR = 1e-2  # a gradient smaller than this part of the largest is measured against it: it may be zero but for rounding


def accelerated_functions():
    """{name: definition} of every accelerated function of the package; none needs a package that is optional."""
    found = {}
    for info in pkgutil.walk_packages(minieqt.__path__, "minieqt.", onerror=lambda name: None):
        if not info.name.endswith("__main__"):
            try:
                module = importlib.import_module(info.name)
            except ModuleNotFoundError as error:
                if error.name and error.name.split(".")[0] in {"minieqt", "kernels"}:
                    raise
                continue
            for name, value in vars(module).items():
                definition = getattr(value, "definition", None)
                if inspect.isfunction(definition) and definition.__module__ == info.name:
                    found[name] = definition
    return found


DEFINITIONS = accelerated_functions()

# -- what they take ----------------------------------------------------------------------------------------------------

MANY = 300  # samples: more than blocks of a weight's gradient, so that each takes several in turn
SHAPES = [(1, 1, 1), (1, 1, 47), (2, 3, 94), (5, 2, 7), (3, 16, 188), (2, 8, 375), (1, 32, 751)]  # B, C, T


def normal(rng, *shape, scale=1.0):
    return scale * rng.standard_normal(shape)


def mask(rng, *shape, rate=0.3):
    return (rng.uniform(size=shape) >= rate) / (1 - rate)


def convolutions(rng):
    kernels = [(1, 1), (1, 11), (5, 2), (8, 7), (16, 3), (9, 6), (32, 5)]  # O, K
    for (B, C, T), (O, K) in zip(SHAPES, kernels, strict=True):
        yield normal(rng, B, C, T), normal(rng, O, C, K, scale=(C * K) ** -0.5), normal(rng, O)
    yield normal(rng, 2, 3, 6000), normal(rng, 8, 3, 11, scale=0.2), normal(rng, 8)
    yield normal(rng, 2, 3, 2), normal(rng, 4, 3, 9, scale=0.2), normal(rng, 4)  # a kernel longer than the signal
    yield normal(rng, MANY, 2, 5), normal(rng, 16, 2, 2), normal(rng, 16)
    for B, C, T in ((2, 8, 1800), (MANY, 9, 3)):  # one filter, as the decoders end
        yield normal(rng, B, C, T), normal(rng, 1, C, 11, scale=0.2), normal(rng, 1)


CROPS = (1, 1), (0, 0), (0, 1), (2, 4), (1, 0), (7, 8)  # left and right


def decoder_stages(rng):
    for first in range(len(CROPS)):  # even and odd ones among the first few
        for i, (x, W, b) in enumerate(convolutions(rng)):
            crop = CROPS[(first + i) % len(CROPS)]
            if 2 * x.shape[2] > sum(crop) and (first == 0 or len(x) < MANY):
                yield x, W, b, crop


def stages(rng, C, sizes):
    """W and b of stages of so many filters and taps."""
    Ws, bs = [], []
    for O, K in sizes:
        Ws.append(normal(rng, O, C, K, scale=(C * K) ** -0.5))
        bs.append(normal(rng, O, scale=0.1))
        C = O
    return tuple(Ws), tuple(bs)


def encoders(rng):
    yield normal(rng, 4, 3, 6000), *stages(rng, 3, zip(FILTERS, KERNELS, strict=True))
    for B, T in ((1, 47), (3, 375), (16, 96), (17, 751)):
        yield normal(rng, B, 2, T), *stages(rng, 2, [(1, 3), (9, 6), (5, 11)])


def decoders(rng):
    for crop in ("keras", "seisbench"):
        sizes = [*zip(FILTERS[::-1], KERNELS[::-1], strict=True), (1, 11)]
        yield normal(rng, 2, 16, 47), *stages(rng, 16, sizes), tuple(decoder_crops(6000, crop))
    for B, T in ((1, 2), (3, 47), (16, 12), (17, 301)):
        for crops in (((0, 1), (1, 1)), ((0, 0), (0, 0))):
            yield normal(rng, B, 3, T), *stages(rng, 3, [(5, 3), (9, 6), (1, 4)]), crops


def rescnns(rng):
    for B, C, T in ((1, 1, 1), (2, 3, 94), (5, 2, 7), (3, 16, 188), (16, 8, 47), (1, 64, 47), (1, 9, 601)):
        halves = []
        for K in (3, 2, 1, 4):
            norm = normal(rng, C), normal(rng, C), normal(rng, C), rng.uniform(0.5, 2, C)
            halves.append((*norm, normal(rng, C, C, K, scale=(C * K) ** -0.5), normal(rng, C)))
        x = normal(rng, B, C, T)
        yield x, tuple((*half, None) for half in halves)
        yield x, tuple((*half, mask(rng, B, C, 1)) for half in halves)


def lstms(rng):
    for B, C, T in SHAPES:
        for D, H, gate in ((1, 1, "sigmoid"), (2, 16, "sigmoid"), (2, 3, "hard_sigmoid"), (1, 16, "hard_sigmoid")):
            arrays = normal(rng, B, C, T), normal(rng, D, 4 * H, C, scale=C**-0.5), normal(rng, D, 4 * H, H, scale=0.3)
            b = normal(rng, D, 4 * H)
            yield *arrays, b, None, None, gate
            masks = [mask(rng, B, D, size).transpose(1, 0, 2) for size in (C, H)]  # as the layer passes them
            yield *arrays, b, *masks, gate


def attentions(rng):
    for B, C, T in SHAPES[:-1]:
        for units, width, sharpness, eps in ((32, None, 1, 1e-7), (32, 3, 1, 1e-7), (5, 2, 8, 1e-5), (32, 3, 8, 1e-7)):
            Wt, Wx = normal(rng, C, units, scale=C**-0.5), normal(rng, C, units, scale=C**-0.5)
            Wa = normal(rng, units, 1, scale=sharpness * units**-0.5)
            yield normal(rng, B, C, T), Wt, Wx, normal(rng, units), Wa, normal(rng, 1), width, eps


def feedforwards(rng):
    for B, C, T in SHAPES:
        for F in (1, 5, 128):
            arrays = normal(rng, F, C, scale=C**-0.5), normal(rng, F), normal(rng, C, F, scale=F**-0.5), normal(rng, C)
            yield normal(rng, B, C, T), *arrays, None
            yield normal(rng, B, C, T), *arrays, mask(rng, B, F, T)
    yield normal(rng, MANY, 2, 5), normal(rng, 3, 2), normal(rng, 3), normal(rng, 2, 3), normal(rng, 2), None


def rescnn_halves(rng):
    for (B, C, T), (O, K) in zip(SHAPES, [(1, 1), (2, 2), (3, 3), (4, 2), (16, 3), (8, 2), (32, 3)], strict=True):
        x = 2 * normal(rng, B, C, T) + 1
        arrays = normal(rng, C), normal(rng, C), *batch_statistics(x)
        W, b = normal(rng, O, C, K, scale=(C * K) ** -0.5), normal(rng, O)
        yield x, *arrays, W, b, None
        yield x, *arrays, W, b, mask(rng, B, C, 1)


def batchnorms(rng):
    for B, C, T in SHAPES:
        x = 2 * normal(rng, B, C, T) + 1
        yield x, normal(rng, C), normal(rng, C), *batch_statistics(x)


def layernorms(rng):
    for B, C, T in SHAPES:
        C = max(C, 3)  # the one channel of a step is its own mean: all that is left is rounding, times 1 / √eps = 1e7
        yield 2 * normal(rng, B, C, T) + 1, normal(rng, C), normal(rng, C)


def logits_and_labels(rng):
    for B, T in ((1, 1), (1, 47), (3, 375), (12, 6000)):
        y = rng.uniform(size=(B, T))
        yield 5 * normal(rng, B, T), y
        yield 5 * normal(rng, B, T), np.where(rng.uniform(size=(B, T)) < 0.3, -1.0, y)  # some are unlabelled
    yield np.array([[-1e4, -90.0, 90.0, 1e4]]), np.array([[0.0, 1.0, 1.0, 0.0]])


def own_arrays(rng):
    """One, four and eighteen arrays, of which a launch takes sixteen."""
    for shapes in (((1,),), ((3, 5, 2), (700,), (16, 1), (4,)), ((2, 3), (300,)) * 9):
        yield np.zeros(1), tuple(normal(rng, *s) for s in shapes), tuple(normal(rng, *s) for s in shapes)


def optimiser_steps(rng):
    for N, t in ((1, 1), (47, 2), (1001, 500)):
        theta, gradient, m = (normal(rng, N) for _ in range(3))
        yield theta, gradient, m, normal(rng, N) ** 2, abs(normal(rng, N)), abs(normal(rng, N)), t, 1e-2


def masks_to_draw(rng):
    for step, (shape, rate) in enumerate((((1, 1), 0.5), ((3, 5, 47), 0.1), ((2, 64, 1), 0.3), ((5, 2, 16), 0.9))):
        yield np.zeros(1), shape, rate, Randomness(seed=7, step=step, first_sample=3), step + 2


CASES = {  # an accelerated function, or the pair of …_forward and …_backward -> what it is called with
    "adam_step": optimiser_steps,
    "add_each": own_arrays,
    "attention": attentions,
    "batch_statistics": lambda rng: ((2 * normal(rng, *shape) + 1,) for shape in SHAPES),
    "batchnorm": batchnorms,
    "conv1d": convolutions,
    "cross_entropy": logits_and_labels,
    "decoder": decoders,
    "decoder_stage": decoder_stages,
    "dropout_mask": masks_to_draw,
    "encoder": encoders,
    "encoder_stage": convolutions,
    "feedforward": feedforwards,
    "layernorm": layernorms,
    "update_running": lambda rng: ((*arrays, 0.1) for arrays in own_arrays(rng)),
    "lstm": lstms,
    "probabilities": lambda rng: ((z,) for z, _ in logits_and_labels(rng)),
    "rescnn_evaluated": rescnns,
    "rescnn_half": rescnn_halves,
}

IN_PLACE = "adam_step", "add_each", "update_running"

# -- how they are run and compared -------------------------------------------------------------------------------------


def operation(name):
    """conv1d for conv1d_forward and conv1d_backward; other names stand for themselves."""
    return name.removesuffix("_forward").removesuffix("_backward")


def functions_of(stem, device=None):
    """The definitions of an operation, or their twins on a device (None where there is none): forward first."""
    definitions = [DEFINITIONS[name] for name in (f"{stem}_forward", f"{stem}_backward", stem) if name in DEFINITIONS]
    folder = "cuda" if device == "host" else device
    return definitions if device is None else [backend.twin(definition, folder) for definition in definitions]


def with_dtype(args, dtype, xp=np):
    """The arguments with every array in another type, and on xp's device; arrays may stand in tuples."""
    return [each(a, lambda array: xp.asarray(array.astype(dtype))) for a in args]


def each(item, change):
    """`change` of an array, or of every array in nested tuples."""
    if isinstance(item, tuple):
        return tuple(each(part, change) for part in item)
    return change(item) if isinstance(item, np.ndarray) else item


def to_numpy(array):
    return array.get() if hasattr(array, "get") else np.asarray(array)


def as_view(array):
    """The same numbers, not next to each other in memory."""
    view = backend.array_module(array).empty((*array.shape, 2), array.dtype)[..., 0]
    view[...] = array
    return view


def results(functions, args, noise, views=False):
    """All that an operation gives, outputs first; backward runs on the cache that its own forward made.

    noise: numbers for the dy that goes into backward, repeated as often as needed. views: x, what has its shape, and
    dy are not contiguous, as an input or labels with transposed axes would not be.
    """
    if views:
        args = [as_view(a) if hasattr(a, "shape") and a.shape == args[0].shape else a for a in args]
    if len(functions) == 1:
        returned = functions[0](*args)
        outputs = args if returned is None else returned  # IN_PLACE
    elif "cache" not in inspect.signature(functions[1]).parameters:
        outputs = functions[0](*args), functions[1](*args, 0.4)  # cross_entropy
    else:
        *outputs, cache = functions[0](*args)
        y = outputs[0]
        dy = backend.array_module(y).asarray(np.resize(noise, y.shape), y.dtype)
        outputs = *outputs, functions[1](as_view(dy) if views else dy, cache)
    return [to_numpy(output) for output in flat(outputs) if isinstance(output, float) or hasattr(output, "dtype")]


def flat(outputs):
    """The items of nested tuples, one after the other."""
    for output in outputs if isinstance(outputs, tuple | list) else (outputs,):
        yield from flat(output) if isinstance(output, tuple) else (output,)


def assert_agrees(functions, twins, args, rng, xp=np, views=False):
    """Twins in float32 give what the definitions give in float64, and leave their arguments alone."""
    noise = rng.standard_normal(997).astype(np.float32)
    rounded = with_dtype(args, np.float32)
    expected = results(functions, with_dtype(rounded, np.float64), noise)
    given = with_dtype(rounded, np.float32, xp)
    found = results(twins, given, noise, views)
    assert len(found) == len(expected)
    largest = max(np.linalg.norm(array) for array in expected)
    for i, (array, right) in enumerate(zip(found, expected, strict=True)):
        assert array.shape == right.shape, f"result {i} has shape {array.shape}, the definition's {right.shape}"
        assert array.dtype == (np.float32 if right.ndim else np.float64), f"result {i} is {array.dtype}"
        error, size = np.linalg.norm(array - right), max(np.linalg.norm(right), FLOOR * largest)
        assert error <= TOLERANCE * size, f"result {i}: relative error {error / size:.1e}"
    if twins[0].__name__ not in IN_PLACE:
        for before, after in zip(flat(rounded), flat(given), strict=True):
            if isinstance(before, np.ndarray):
                np.testing.assert_array_equal(to_numpy(after), before, err_msg="an argument was changed")


TOY = 700  # numbers that plain Python may be given, one at a time


def toys_for(stem, rng):
    """The three largest cases of an operation that are small enough for plain Python."""
    size = lambda args: sum(a.size for a in flat(tuple(args)) if isinstance(a, np.ndarray))  # noqa: E731
    return sorted((args for args in CASES[stem](rng) if size(args) <= TOY), key=size)[-3:]


@pytest.fixture
def plain_python(monkeypatch):
    """Every kernel of the CPU in place of its compiled self: what Numba was given, run by Python."""
    for info in pkgutil.walk_packages(kernels.cpu.__path__, "kernels.cpu."):
        module = importlib.import_module(info.name)
        for name, value in list(vars(module).items()):
            if hasattr(value, "py_func"):
                monkeypatch.setattr(module, name, value.py_func)
    with np.errstate(over="ignore", invalid="ignore"):  # tiles reach into what nobody wrote; nobody takes those sums
        yield


# -- the tests ---------------------------------------------------------------------------------------------------------

OPERATIONS = sorted({operation(name) for name in DEFINITIONS})


@pytest.fixture(params=["cpu", "host", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    """host: the CUDA kernels as g++ compiles them, on NumPy arrays (kernels/cuda/on_host.py), watched for races."""
    if request.param == "host":
        if not on_host.available():
            pytest.skip("CUDA kernels are compiled for the host by g++, and there is none")
        with on_host.watched("races"):
            on_host.build_all()
            yield "host"
        return
    if request.param == "cuda":
        cupy = pytest.importorskip("cupy", reason="twins on a GPU need CuPy")
        try:
            cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError:
            pytest.skip("twins on a GPU need a GPU")
    yield request.param


def twins_of(stem, device):
    twins = functions_of(stem, device)
    if not any(twins):
        pytest.skip(f"{stem} has no twin on {device}")
    return twins


def test_the_walk_finds_them():
    assert {"conv1d_forward", "conv1d_backward", "encoder_stage_forward", "adam_step"} <= DEFINITIONS.keys()
    assert "dense_forward" not in DEFINITIONS


def test_every_accelerated_function_has_cases():
    assert CASES.keys() == set(OPERATIONS)


def test_forward_and_backward_are_accelerated_together():
    for name in DEFINITIONS:
        if name.endswith(("_forward", "_backward")):
            assert {f"{operation(name)}_forward", f"{operation(name)}_backward"} <= DEFINITIONS.keys()


@pytest.mark.parametrize("stem", OPERATIONS)
def test_twins_come_in_pairs_with_equal_signatures(stem, device):
    for definition, twin in zip(functions_of(stem), twins_of(stem, device), strict=True):
        assert twin is not None, f"{definition.__name__} has no twin, its partner has"
        assert_same_signature(definition, twin)


def assert_same_signature(definition, twin):
    """The same names, kinds and defaults, in the same order."""
    right, found = (
        [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]
        for function in (definition, twin)
    )
    assert found == right, f"{definition.__name__}: the twin takes {found}, the definition {right}"


@pytest.mark.parametrize("stem", OPERATIONS)
def test_twins_agree(rng, stem, device):
    for args in CASES[stem](rng):
        assert_case_agrees(stem, device, args, rng)


@pytest.mark.parametrize("stem", OPERATIONS)
def test_twins_agree_on_views(rng, stem, device):
    if stem == "adam_step":
        pytest.skip("the optimiser's vectors are contiguous by construction")
    for args in list(CASES[stem](rng))[2:8:3]:
        assert_case_agrees(stem, device, args, rng, views=True)


def assert_case_agrees(stem, device, args, rng, views=False):
    twins = twins_of(stem, device)
    xp = importlib.import_module("cupy") if device == "cuda" else np
    try:
        assert_agrees(functions_of(stem), twins, args, rng, xp, views)
    except AssertionError as error:
        shapes = [each(a, np.shape) for a in args]
        raise AssertionError(f"{stem} of {shapes}: {error}") from error


# -- the test is tested: a twin that is not one ------------------------------------------------------------------------


def wrong_value(x, W, b):
    y, cache = DEFINITIONS["conv1d_forward"](x, W, b)
    return y * np.float32(1.001), cache


def wrong_type(x, W, b):
    y, cache = DEFINITIONS["conv1d_forward"](x, W, b)
    return y.astype(np.float64), cache


def wrong_shape(x, W, b):
    y, cache = DEFINITIONS["conv1d_forward"](x, W, b)
    return y[:, :-1], (cache[0], W[:-1])


def changes_its_input(x, W, b):
    y, cache = DEFINITIONS["conv1d_forward"](x.copy(), W, b)
    x[...] = 0
    return y, cache


def wrong_gradient(dy, cache):
    dx, dW, db = DEFINITIONS["conv1d_backward"](dy, cache)
    return dx, dW, -db


@pytest.mark.parametrize(
    "forward, backward, message",
    [
        (None, None, None),
        (wrong_value, None, "result 0: relative error 1.0e-03"),
        (wrong_type, None, "result 0 is float64"),
        (wrong_shape, None, "result 0 has shape"),
        (changes_its_input, None, "an argument was changed"),
        (None, wrong_gradient, "result 3: relative error 2.0e"),
    ],
)
def test_a_false_twin_is_caught(rng, monkeypatch, forward, backward, message):
    definitions = functions_of("conv1d")
    twins = dict(zip(definitions, (forward or definitions[0], backward or definitions[1]), strict=True))
    monkeypatch.setattr(backend, "twin", lambda definition, device: twins[definition])
    args = normal(rng, 2, 3, 9), normal(rng, 2, 3, 4), normal(rng, 2)
    if message is None:
        assert_agrees(definitions, functions_of("conv1d", "cpu"), args, rng)
    else:
        with pytest.raises(AssertionError, match=message):
            assert_agrees(definitions, functions_of("conv1d", "cpu"), args, rng)


def test_another_signature_is_caught():
    for twin in (lambda x, W: None, lambda x, b, W: None, lambda x, W, b=None: None):
        with pytest.raises(AssertionError, match="conv1d_forward: the twin takes"):
            assert_same_signature(DEFINITIONS["conv1d_forward"], twin)


def test_a_missing_partner_is_caught(monkeypatch):
    definition = DEFINITIONS["conv1d_forward"]
    monkeypatch.setattr(backend, "twin", lambda asked, device: asked if asked is definition else None)
    with pytest.raises(AssertionError, match="conv1d_backward has no twin, its partner has"):
        test_twins_come_in_pairs_with_equal_signatures("conv1d", "cpu")


@pytest.mark.parametrize("stem", OPERATIONS)
def test_kernels_are_plain_python_too(stem, plain_python, rng):
    """So that whoever reads one can step through it with a debugger, on a toy."""
    twins, toys = twins_of(stem, "cpu"), toys_for(stem, rng)
    assert toys, f"no case of {stem} is small enough"
    for args in toys:
        assert_agrees(functions_of(stem), twins, args, rng)
