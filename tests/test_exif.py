"""What cameras wrote is read where it makes sense, and nothing that stands there costs the photo."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cases.photos import exif, picture
from grid import crs

from . import pictures

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of EXIF that it does not like

HERE = ([(33, 1), (0, 1), (19_08, 100)], [(97, 1), (0, 1), (306, 10)])


def read(written: bytes, kind: str = "jpeg") -> exif.Exif:
    with Image.open(BytesIO(pictures.snap(kind, exif=written))) as image:
        return exif.read(image)


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_every_kind_of_photo_may_say_where_it_was_taken(kind: str) -> None:
    assert read(pictures.gps(*HERE), kind).point == pytest.approx((97.0085, 33.0053))


@pytest.mark.parametrize(
    ("north", "east", "point"),
    [
        ("N", "E", (97.0085, 33.0053)),
        ("S", "E", (97.0085, -33.0053)),
        ("N", "W", (-97.0085, 33.0053)),
        ("s\0", "w\0\0", (-97.0085, -33.0053)),
    ],
)
def test_hemispheres(north: str, east: str, point: tuple[float, float]) -> None:
    assert read(pictures.gps(*HERE, north, east)).point == pytest.approx(point)


@pytest.mark.parametrize(
    "written",
    [
        pictures.gps(*HERE, "", ""),
        pictures.gps(*HERE, "X", "E"),
        pictures.gps(*HERE, "NS", "E"),
        pictures.gps([(33, 0), (0, 0), (0, 0)], HERE[1]),
        pictures.gps([(33, 1), (5, 0), (0, 1)], HERE[1]),
        pictures.gps([(33, 1), (0, 1)], HERE[1]),
        pictures.gps([(91, 1), (0, 1), (0, 1)], HERE[1]),
        pictures.gps(HERE[0], [(180, 1), (0, 1), (1, 1)]),
        pictures.gps([(0, 1)] * 3, [(0, 1)] * 3),
        pictures.gps([(2**32 - 1, 1)] * 3, HERE[1]),
        pictures.exif(gps=[(1, pictures.ASCII, "N"), (3, pictures.ASCII, "E")]),
        pictures.exif(
            gps=[(1, pictures.ASCII, "N"), (2, pictures.ASCII, "33"), (3, pictures.ASCII, "E"), (4, 2, "97")]
        ),
    ],
    ids=range(12),
)
def test_no_position_is_better_than_a_wrong_one(written: bytes) -> None:
    assert read(written).point is None


@pytest.mark.parametrize(
    ("taken", "offset", "moment"),
    [
        ("2026:03:02 09:00:00", "", "2026-03-02T09:00:00+08:00"),
        ("2026:03:02 09:00:00", "+08:00", "2026-03-02T09:00:00+08:00"),
        ("2026:03:02 09:00:00", "-03:30", "2026-03-02T09:00:00-03:30"),
        ("2026:03:02 09:00:00", "Z", "2026-03-02T09:00:00+00:00"),
        ("2026:03:02 09:00:00", "+18:00", "2026-03-02T09:00:00+08:00"),
        ("2026-03-02T09:00:00-23:59", "", "2026-03-02T09:00:00+08:00"),
        ("2026:03:02 09:00:00", "nonsense", "2026-03-02T09:00:00+08:00"),
        ("2026-03-02 09:00:00", "", "2026-03-02T09:00:00+08:00"),
        ("2026/03/02 09:00:00", "", "2026-03-02T09:00:00+08:00"),
        ("2026-03-02T09:00:00", "", "2026-03-02T09:00:00+08:00"),
        ("2026-03-02T09:00:00.25Z", "+08:00", "2026-03-02T09:00:00+00:00"),
        ("2026:03:01 24:00:00", "", "2026-03-02T00:00:00+08:00"),
        (b"2026:03:02 09:00:00\0\0junk", "   :  ", "2026-03-02T09:00:00+08:00"),
    ],
)
def test_when_a_photo_was_taken(taken: str | bytes, offset: str, moment: str) -> None:
    said = read(pictures.camera(taken, offset)).taken_at
    assert said is not None
    assert said.isoformat() == moment


def test_the_first_moment_that_can_be_read_is_taken() -> None:
    tag = {"original": 0x9003, "digitized": 0x9004, "written": 0x0132}
    on = {name: (tag[name], pictures.ASCII, f"2026:03:0{day} 09:00:00") for day, name in enumerate(tag, start=3)}
    unset = (tag["original"], pictures.ASCII, "0000:00:00 00:00:00")
    for camera, day in (([on["original"], on["digitized"]], 3), ([unset, on["digitized"]], 4), ([unset], 5), ([], 5)):
        said = read(pictures.exif([on["written"]], camera)).taken_at
        assert said and said.day == day


@pytest.mark.parametrize(
    ("datum", "named", "shifted"),
    [
        ("GCJ-02", "gcj02", True),
        ("gcj02\0", "gcj02", True),
        ("WGS-84", "wgs84", False),
        ("TOKYO", "", False),
        ("", "", False),
        (b"\xff\xfe", "", False),
    ],
)
def test_a_position_is_read_by_its_datum(datum: str | bytes, named: str, shifted: bool) -> None:
    (north, east), tags = HERE, [(1, pictures.ASCII, "N"), (3, pictures.ASCII, "E"), (0x12, pictures.ASCII, datum)]
    said = read(pictures.exif(gps=sorted([*tags, (2, pictures.RATIONAL, north), (4, pictures.RATIONAL, east)])))
    assert said.point and said.datum == named
    assert said.point == pytest.approx(crs.to_wgs84(97.0085, 33.0053, "gcj02") if shifted else (97.0085, 33.0053))


@pytest.mark.parametrize(
    "taken",
    [
        "",
        "    :  :     :  :  ",
        "0000:00:00 00:00:00",
        "2026:02:30 09:00:00",
        "2026:03:02 24:00:01",
        "2026:03-02 09:00:00",
        "1970:01:01 08:00:00",
        "9999:12:31 23:59:59",
        b"\xff\xfe\xfd",
        "x" * 60_000,
    ],
)
def test_absurd_moments_are_none(taken: str | bytes) -> None:
    assert read(pictures.camera(taken)).taken_at is None


@pytest.mark.parametrize(
    ("make", "model", "device"),
    [
        ("HUAWEI", "HUAWEI P30", "HUAWEI P30"),
        ("HUAWEI", "ELE-AL00", "HUAWEI ELE-AL00"),
        (b"Xiaomi\0\0\0\0", b"\0", "Xiaomi"),
        ("", "iPhone 15", "iPhone 15"),
        ("小米", "红米", "小米 红米"),
        (b"A\x1b[31m\r\n", "B\u202e\u200bC", "A [31m B C"),
        ("M" * 70, "N" * 70, "M" * 70 + " " + "N" * 9),
        ("", "", ""),
    ],
)
def test_the_device_is_clean_and_short(make: str | bytes, model: str | bytes, device: str) -> None:
    assert read(pictures.camera(make=make, model=model)).device == device


@pytest.mark.parametrize("orientation", [[0], [9], [65_535]])
def test_an_orientation_that_does_not_exist_is_upright(orientation: list[int]) -> None:
    assert read(pictures.exif([(0x0112, pictures.SHORT, orientation)])).orientation == 1


def test_one_bad_field_does_not_cost_the_others() -> None:
    bad = [(1, pictures.ASCII, "N"), (2, pictures.RATIONAL, [(1, 0)] * 3)]
    said = read(pictures.exif([(0x010F, 2, "HUAWEI"), (0x0112, 3, [6])], [(0x9003, 2, "2026:03:02 09:00:00")], gps=bad))
    assert (said.orientation, said.device, said.point) == (6, "HUAWEI", None)
    assert said.taken_at is not None


def test_two_megabytes_of_junk_are_no_reason_to_refuse() -> None:
    junk = pictures.png(9, 9, bytes(300), pictures.chunk(b"eXIf", pictures.crowded()))
    assert picture.look(junk).taken_at is None
    note = pictures.exif([(0x010F, 2, "HUAWEI"), (0x927C, pictures.UNDEFINED, b"\xa5" * 2_000_000)])
    large = pictures.png(9, 9, bytes(300), pictures.chunk(b"eXIf", note[6:]))
    assert picture.look(large).device == "HUAWEI"


@pytest.mark.parametrize("written", [b"Exif\0\0", b"Exif\0\0MM\0*", b"Exif\0\0" + b"\xff" * 900, b"junk"])
def test_exif_that_is_none(written: bytes) -> None:
    assert picture.look(pictures.snap(exif=written)).device == ""


@given(st.lists(st.tuples(st.integers(6, 140), st.integers(0, 255)), max_size=8))
@settings(max_examples=300, deadline=None)
def test_whatever_is_changed_in_the_exif_the_photo_is_taken(changes: list[tuple[int, int]]) -> None:
    resolution = [(0x011A, pictures.RATIONAL, [(72, 1)]), (0x0128, pictures.SHORT, [2]), (0x0112, 3, [1])]
    written = bytearray(pictures.exif(resolution, [(0x9003, 2, "2026:03:02 09:00:00")]))
    for at, byte in changes:
        written[at % len(written)] = byte
    seen = picture.look(jpeg(bytes(written)))
    assert sorted((seen.width, seen.height)) == [30, 40]


def test_exif_that_breaks_the_decoder_is_left_out() -> None:
    """A resolution with one figure too few makes Pillow give up the whole photo."""
    broken = pictures.exif([(0x011A, 1, b"1"), (0x0128, pictures.SHORT, [2]), (0x010F, 2, "HUAWEI")])
    assert (picture.look(jpeg(broken)).width, picture.look(jpeg(broken)).device) == (40, "")


def jpeg(written: bytes) -> bytes:
    """A JPEG that begins with this EXIF, and has no other note of its resolution."""
    plain = pictures.saved(pictures.street(40, 30))
    after = 4 + struct.unpack_from(">H", plain, 4)[0]  # the JFIF segment
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(written) + 2) + written + plain[after:]
