"""What is said in a clip, and when: from subtitles, texts, tables and a recogniser."""

import json

import numpy as np
import pytest
import torch
from dmdlite_data.video import clip, transcript

from dmdlite import DataError
from tests.own_videos import hum, write


def test_words_are_spread_evenly_over_what_is_known(tmp_path):
    said = transcript.spread("a bb  ccc", 1.0, 4.0)
    assert said.words == ("a", "bb", "ccc")
    assert said.times.tolist() == [[1, 2], [2, 3], [3, 4]]
    srt = tmp_path / "a.srt"
    srt.write_text(
        "2\n00:00:03,000 --> 00:00:04,000\n<i>fine</i>\n\n"
        "1\n00:00:00,500 --> 00:00:01,500\none two\n"
    )
    said = transcript.from_subtitles(srt)
    assert said.words == ("one", "two", "fine")
    assert said.times.tolist() == [[0.5, 1.0], [1.0, 1.5], [3.0, 4.0]]


def test_a_transcript_is_taken_from_the_best_that_there_is(tmp_path):
    path, told = tmp_path / "a.mp4", {"a": [("good", 0.1, 0.4)]}
    assert transcript.transcript_of(path, "", {}, 2.0).words == ()
    assert transcript.transcript_of(path, "from labels", {}, 2.0).text == "from labels"
    (tmp_path / "a.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nvery funny\n")
    assert transcript.transcript_of(path, "from labels", {}, 2.0).text == "very funny"
    assert transcript.transcript_of(path, "from labels", told, 2.0).text == "good"
    with pytest.raises(DataError, match=r"words go on to 1\.0 s, the clip ends at -1\.0"):
        transcript.transcript_of(path, "", {}, -1.0)
    (tmp_path / "a.txt").write_text("something else")
    with pytest.raises(DataError, match=r"two transcripts, a\.txt and a\.vtt"):
        transcript.transcript_of(path, "", {}, 2.0)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("id,word\na,b\n", "needs a header with id, word, start and end"),
        ("id,word,start,end\na,b,1,x\n", "line 2"),
        ("id,word,start,end\na,b,0,1\na,c,3,2\n", "line 3.*'c' from 3 to 2 s"),
        ("id,word,start,end\na,b,-1,2\n", "'b' from -1 to 2 s"),
        ("id,word,start,end\na,b,nan,2\n", "line 2"),
    ],
)
def test_a_table_of_words_is_refused_where_its_times_are_none(tmp_path, rows, says):
    (tmp_path / "words.csv").write_text(rows)
    with pytest.raises(DataError, match=says):
        transcript.word_table(tmp_path / "words.csv")


def test_steps_are_averaged_under_their_words(monkeypatch):
    monkeypatch.setattr(clip, "RATES", {"vision": 10})
    x = np.arange(1, 21, dtype=np.float32)[:, None] * [1, 10]
    x[3] = 0  # a lost face
    said = transcript.Transcript(("a", "b", "c"), np.array([[0, 0.5], [0.5, 0.9], [5, 6]]))
    found = clip.by_word(clip.Found("x", {"vision": x}, said, ()))["vision"]
    assert found[0].tolist() == [np.mean([1, 2, 3, 5]), np.mean([10, 20, 30, 50])]
    assert found[1, 0] == np.mean([6, 7, 8, 9])
    assert not found[2].any()  # nothing was seen then


def test_a_recogniser_gives_words_with_their_times_and_hears_a_clip_once(tmp_path, monkeypatch):
    chunks = [{"text": " New York", "timestamp": (0.0, 0.4)}, {"text": " ", "timestamp": (0, 1)}]
    chunks += [{"text": " bad ", "timestamp": (0.5, None)}]
    heard = []
    pipe = lambda *_, **__: heard.append(1) or {"chunks": chunks}  # noqa: E731
    monkeypatch.setattr(
        transcript, "needed", lambda _: type("T", (), {"pipeline": lambda *_, **__: pipe})
    )
    path = write(tmp_path / "a.wav", sound=hum(1.0))
    for _ in range(2):
        said = transcript.Recogniser("x")(path, 60, tmp_path / "key")
        assert said.words == ("New_York", "bad")
        assert said.times.tolist() == [[0.0, 0.4], [0.5, 1.0]]
        assert "recognised" in said.note
    assert len(heard) == 1


CAPTIONS = """WEBVTT

00:00:00.000 --> 00:00:01.000
I <00:00:00.500><c>liked</c><00:00:00.600><c> it</c>

00:00:01.000 --> 00:00:01.010
I liked it

00:00:01.010 --> 00:00:02.000
I liked it
don&#39;t <i>ask</i>
"""


def test_captions_that_roll_say_a_word_once(tmp_path):
    path = tmp_path / "a.vtt"
    path.write_text(CAPTIONS)
    assert transcript.from_subtitles(path).text == "I liked it don't ask"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("schön".encode("latin-1"), "not in UTF-8"),
        (b"1\n00:00:02,000 --> 00:00:01,000\nx\n", "before it begins"),
    ],
)
def test_subtitles_that_are_none_are_refused_by_name(tmp_path, raw, says):
    (tmp_path / "a.srt").write_bytes(raw)
    with pytest.raises(DataError, match=says) as error:
        transcript.transcript_of(tmp_path / "a.mp4", "", {}, 5.0)
    assert "a.srt" in str(error.value)


def test_text_of_other_systems_is_read(tmp_path):
    (tmp_path / "a.TXT").write_bytes("so\u200b good\r\n".encode("utf-16"))
    assert transcript.transcript_of(tmp_path / "a.MP4", "", {}, 5.0).words == ("so", "good")


def test_a_recogniser_of_random_weights_is_loaded_from_a_folder_and_asked_as_it_wants(tmp_path):
    """What it hears is noise; that it is heard, with times inside the clip, is what counts."""
    transformers = pytest.importorskip("transformers")
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz"]
    (tmp_path / "vocab.json").write_text(json.dumps({c: i for i, c in enumerate(letters)}))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(tmp_path / "vocab.json"))
    extractor = transformers.Wav2Vec2FeatureExtractor()
    transformers.Wav2Vec2Processor(extractor, tokenizer).save_pretrained(tmp_path)
    torch.manual_seed(1)
    config = transformers.Wav2Vec2Config(
        vocab_size=len(letters), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, conv_dim=(8, 8), conv_stride=(5, 64), conv_kernel=(10, 64),
        num_feat_extract_layers=2, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    transformers.Wav2Vec2ForCTC(config).save_pretrained(tmp_path)
    path = write(tmp_path / "a.wav", sound=hum(2.0))
    said = transcript.Recogniser(str(tmp_path))(path, 60, tmp_path / "key")
    assert said.words
    assert all(0 <= start <= end <= 2.05 for start, end in said.times)
    with pytest.raises(DataError, match=r"--speech-model .*nowhere"):
        transcript.Recogniser(str(tmp_path / "nowhere"))
