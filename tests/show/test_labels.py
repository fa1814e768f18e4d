"""Labels never collide, cover no point and stay in the frame."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gutbrain.show.labels import LETTER, LINE, place_labels

WIDTH, HEIGHT = 400.0, 300.0


def box(label):
    half = LETTER * len(label.text) / 2
    return label.x - half, label.x + half, label.y - LINE / 2, label.y + LINE / 2


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 80), st.integers(0, 1000), st.floats(0.02, 1.0))
def test_no_two_labels_meet(count, seed, spread):
    generator = np.random.default_rng(seed)
    x = WIDTH * (0.5 + spread * (generator.uniform(size=count) - 0.5))
    y = HEIGHT * (0.5 + spread * (generator.uniform(size=count) - 0.5))
    made = place_labels(x, y, [f"Genus number {n}" for n in range(count)], range(count), WIDTH, HEIGHT)
    boxes = [box(label) for label in made]
    for number, (left, right, low, high) in enumerate(boxes):
        assert left >= 0 and right <= WIDTH and low >= 0 and high <= HEIGHT
        assert not ((x > left) & (x < right) & (y > low) & (y < high)).any()
        for other in boxes[number + 1 :]:
            assert right <= other[0] or other[1] <= left or high <= other[2] or other[3] <= low


def test_a_lonely_point_has_its_label_beside_it():
    (label,) = place_labels(np.array([200.0]), np.array([150.0]), ["Akkermansia"], [0], WIDTH, HEIGHT)
    assert not label.far
    assert label.y == 150.0


def test_what_has_no_room_is_left_out():
    name = "x" * 200
    assert place_labels(np.array([200.0]), np.array([150.0]), [name], [0], WIDTH, HEIGHT) == []
