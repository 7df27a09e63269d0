"""Transcripts through an encoder: a tiny BERT made here stands for the published ones."""

import json
from dataclasses import replace

import embed_text
import numpy as np
import pytest
import torch
from dmdlite_data import text_encoder
from dmdlite_data.text_encoder import Level, TextEncoder

import dmdlite
from dmdlite import MultimodalDataset
from dmdlite.devices import pick_device

transformers = pytest.importorskip("transformers")

WORDS = ["well", "yes", "no", "un", "##believ", "##able", "good", "bad"]
TEXTS = ["well yes", "unbelievable good", "", "no bad no bad no bad no bad", "yes", "good ?"]


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """A BERT of random weights with eight words, of which one is three tokens; 8 positions."""
    folder = tmp_path_factory.mktemp("hub") / "tiny-bert"
    folder.mkdir()
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    (folder / "vocab.txt").write_text("\n".join(marks + WORDS) + "\n")
    vocab = {word: i for i, word in enumerate(marks + WORDS)}
    tokenizer = transformers.BertTokenizerFast(
        vocab=vocab, vocab_file=str(folder / "vocab.txt"), model_max_length=8
    )
    tokenizer.save_pretrained(folder)
    sizes = {"hidden_size": 12, "intermediate_size": 16, "max_position_embeddings": 8}
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(vocab), num_hidden_layers=2, num_attention_heads=2, **sizes
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def encoder(tiny_bert, tmp_path):
    def make(level="token", layer=-1, batch_size=4):
        return TextEncoder(str(tiny_bert), Level(level), layer, batch_size, pick_device(), tmp_path)

    return make


def by_the_library(folder, text, layer=-1):
    """Hidden states of one text alone: no batch, no padding."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=8)
    with torch.inference_mode():
        return model(**inputs, output_hidden_states=True).hidden_states[layer][0]


@pytest.mark.parametrize("layer", [-1, 0, 1])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_batches_give_what_each_text_gives_alone(tiny_bert, encoder, layer, batch_size):
    states, cut = encoder(layer=layer, batch_size=batch_size)(TEXTS)
    assert [len(x) for x in states] == [4, 6, 0, 8, 3, 4]
    assert cut == 1
    for text, x in zip(TEXTS, states, strict=True):
        if text:
            torch.testing.assert_close(x, by_the_library(tiny_bert, text, layer))


def test_a_word_is_the_mean_of_its_tokens(tiny_bert, encoder):
    states, cut = encoder("word")(TEXTS)
    assert [len(x) for x in states] == [2, 2, 0, 6, 1, 2]
    assert cut == 1
    alone = by_the_library(tiny_bert, "unbelievable good")  # [CLS] un ##believ ##able good [SEP]
    torch.testing.assert_close(states[1], torch.stack([alone[1:4].mean(0), alone[4]]))


def test_what_was_embedded_once_comes_from_the_cache(encoder, monkeypatch):
    first, _ = encoder()(TEXTS)
    again = encoder()
    monkeypatch.setattr(again, "_encode", lambda rows: pytest.fail("embedded again"))
    for a, b in zip(first, again(TEXTS)[0], strict=True):
        assert torch.equal(a, b)
    asked = []
    for changed in (encoder("word"), encoder(layer=0), encoder()):
        monkeypatch.setattr(changed, "_encode", lambda rows: asked.append(1) or [])
        with pytest.raises(RuntimeError):
            changed(TEXTS if changed.level == "word" or changed.layer == 0 else TEXTS[1:])
    assert len(asked) == 3


def test_a_broken_cache_is_made_again(encoder):
    first, _ = encoder()(TEXTS)
    for path in encoder().cache.iterdir():
        path.write_bytes(path.read_bytes()[:40])
    assert torch.equal(encoder()(TEXTS)[0][0], first[0])


@pytest.fixture
def spoken(tmp_path, monkeypatch):
    """A data set with transcripts and three modalities; the last clip says nothing."""
    monkeypatch.setenv("DMDLITE_DATA", str(tmp_path))
    n, rng = 3, np.random.default_rng(0)
    modalities = ("language", "vision", "audio")
    data = MultimodalDataset(
        values={m: torch.tensor(rng.normal(size=(2 * n, 4))).float() for m in modalities},
        offsets={m: torch.arange(0, 2 * n + 1, 2) for m in modalities},
        steps={"vision": torch.tensor([0, 1] * n), "audio": torch.tensor([0, 3] * n)},
        labels=torch.arange(float(n)),
        ids=("a", "b", "c"),
        name="spoken",
        texts=("well yes", "unbelievable good", ""),
    )
    history = {
        "inputs": {"x.pkl": {"sha256": "0" * 64, "bytes": 1}},
        "repaired": {"train": {"audio": {"gaps": 2}}},
        "aligned": True,
    }
    splits = {"train": data, "valid": data.subset([2, 1])}
    dmdlite.save_dataset(tmp_path / "spoken", splits, "test", **history)
    return data


@pytest.mark.parametrize("level", ["token", "word"])
def test_language_is_replaced_and_the_rest_stays(run_script, tiny_bert, spoken, tmp_path, level):
    code, out, err = run_script(embed_text.app, "spoken", "--model", tiny_bert, "--level", level)
    assert code == 0, err
    train = dmdlite.load_dataset("spoken_tiny-bert")["train"]
    assert train.modalities == ("language", "vision", "audio")
    assert train.widths == (12, 4, 4)
    assert train.lengths("language").tolist() == ([4, 6, 0] if level == "token" else [2, 2, 0])
    for m in ("vision", "audio"):
        assert torch.equal(train.values[m], spoken.values[m])
        assert torch.equal(train.steps[m], spoken.steps[m])
    assert (train.texts, train.ids) == (spoken.texts, spoken.ids)
    about = json.loads((tmp_path / "spoken_tiny-bert" / "dataset.json").read_text())
    assert about["aligned"] is False  # the last clip has two steps and no word
    assert list(about["inputs"]) == ["x.pkl"]
    assert about["repaired"]["train"]["audio"] == {"gaps": 2}
    assert about["repaired"]["train"]["language"]["no_text"] == 1
    assert "1 clips without words, language missing" in out


def test_words_fit_where_each_step_has_its_word(spoken):
    two = {"train": spoken.subset([0, 1])}
    said = {"train": list(spoken.texts[:2])}
    assert not embed_text._words_fit(two, said)  # audio has a step at time 3
    assert embed_text._words_fit({"train": two["train"].select("language", "vision")}, said)
    assert embed_text._words_fit(two, {"train": ["a b c d", "a b c d"]})


def test_ids_that_restart_in_each_split_keep_their_own_texts(run_script, tiny_bert, tmp_path, toy):
    def part(split, said):
        data = toy[split].subset([0, 1])
        return replace(data, ids=("0", "1"), texts=(said, "no"), name="restart")

    splits = {"train": part("train", "good"), "test": part("test", "bad bad")}
    dmdlite.save_dataset(tmp_path / "restart", splits, "toy")
    options = ["restart", "--model", tiny_bert, "--out", tmp_path / "new"]
    assert run_script(embed_text.app, *options)[0] == 0
    found = dmdlite.load_dataset(tmp_path / "new")
    assert [d.texts[0] for d in found.values()] == ["good", "bad bad"]
    assert [d.lengths("language")[0] for d in found.values()] == [3, 4]
    (tmp_path / "t.csv").write_text("id,text\n0,good\n1,bad\n")
    _, _, err = run_script(embed_text.app, *options, "--texts", tmp_path / "t.csv")
    assert "an id stands for more than one clip" in err


def test_a_name_that_is_a_path_stays_in_its_folder(run_script, tiny_bert, spoken, tmp_path):
    home = tmp_path / "inner"
    evil = {"train": replace(spoken, name="../../evil")}
    dmdlite.save_dataset(home / "evil", evil, "test")
    code, _, err = run_script(embed_text.app, home / "evil", "--model", tiny_bert)
    assert code == 0, err
    assert (tmp_path / "evil_tiny-bert").is_dir()


def test_transcripts_from_a_csv(run_script, tiny_bert, tmp_path, toy):
    bare = {"test": toy["test"].select("vision", "audio")}
    dmdlite.save_dataset(tmp_path / "bare", bare, "toy")
    (tmp_path / "t.csv").write_text(
        "id,text\n" + "".join(f"{i},no good\n" for i in toy["test"].ids)
    )
    options = ("bare", "--model", tiny_bert, "--out", tmp_path / "new")
    assert (
        "bare: test without text, for example ('toy_test_0000',); give it with"
        in run_script(embed_text.app, *options)[2]
    )
    assert run_script(embed_text.app, *options, "--texts", tmp_path / "t.csv")[0] == 0
    assert dmdlite.load_dataset(tmp_path / "new")["test"].widths == (12, 16, 8)
    (tmp_path / "t.csv").write_text("id,words\na,b\n")
    assert (
        "needs a header with id and text"
        in run_script(embed_text.app, *options, "--texts", tmp_path / "t.csv")[2]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "no-such-model-here"], "neither a local folder nor to be had"),
        (["--model", "TINY", "--layer", "3"], "has layers 0 to 2"),
        (["--model", "TINY", "--texts", "nosuch.csv"], "nosuch.csv: cannot be read"),
        (["--model", "TINY", "--device", "cuda:7"], "cannot be used here"),
        (["--model", "TINY", "--batch-size", "0"], "--batch-size"),
        ([], "Missing option '--model'"),
    ],
)
def test_mistakes_are_one_line(run_script, tiny_bert, spoken, options, message):
    options = [str(tiny_bert) if o == "TINY" else o for o in options]
    code, _, err = run_script(embed_text.app, "spoken", *options)
    assert code == 2
    assert message in err.strip().splitlines()[-1]


def test_weights_that_are_pickles_are_not_loaded(run_script, tiny_bert, spoken, tmp_path):
    copy = tmp_path / "pickled"
    copy.mkdir()
    for file in tiny_bert.iterdir():
        if file.suffix != ".safetensors":
            (copy / file.name).write_bytes(file.read_bytes())
    torch.save({}, copy / "pytorch_model.bin")
    code, _, err = run_script(embed_text.app, "spoken", "--model", copy)
    assert code == 2
    assert "neither a local folder nor to be had" in err


def test_without_transformers_the_install_line_is_given(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(dmdlite.DataError, match=r'pip install "dmdlite\[data\]"'):
        text_encoder._load("x")
