"""Tiny random models of each architecture and task, and what PyTorch and Hugging Face's pipelines say about some texts.

    python -m venv /tmp/reference && /tmp/reference/bin/pip install -r scripts/reference/requirements.txt
    /tmp/reference/bin/python scripts/reference/make.py test/fixtures/tasks

Each model is a folder in the Hugging Face layout; golden.json beside them holds the texts and the numbers, and
sha256.json what the files are. Another run gives other vocabularies, since the trainers put equal pieces in an order of
chance: replace the folder as a whole.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    DebertaV2Config,
    MPNetConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
    XLMRobertaConfig,
    pipeline,
)
from transformers import models as hf

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", type=Path)
# The fixtures are as small as they can be; models to measure are not.
parser.add_argument("--hidden", type=int, default=16)
parser.add_argument("--layers", type=int, default=1)
parser.add_argument("--heads", type=int, default=2)
parser.add_argument("--vocabulary", type=int, default=0)
args = parser.parse_args()
OUT = args.folder
VOCABULARY = 300
TEXTS = [
    "Anna Berg moved from Oslo to Lisbon in 1998.",
    "The river was frozen, so the ferries of Turku stayed at home.",
    "Łódź, Zürich and São Paulo are cities; Ωmega is none.",
    "😀 Two of them laughed, the third 👩‍🔧 repaired the engine.",
    "東京 is large. Привет, мир!",
    "unbelievably antidisestablishmentarian words-with-hyphens",
]
QUESTION = "Where did Anna go?"
LABELS = ["weather", "travel", "language"]
CORPUS = TEXTS + [QUESTION, "This example is weather.", "This example is travel.", "This example is language."]
NER = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
NLI = ["contradiction", "neutral", "entailment"]


def train(kind):
    """A tokenizer as the architecture has it, trained on the texts above."""
    if kind in ("bert", "mpnet"):
        unknown = "[UNK]"
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] if kind == "bert" else ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
        tokenizer = Tokenizer(models.WordPiece(unk_token=unknown))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=special, show_progress=False)
    elif kind == "roberta":
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=VOCABULARY + 100,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
    else:
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if kind == "xlm-roberta" else ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=VOCABULARY, special_tokens=special, unk_token=special[3], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    begin, end = ("[CLS]", "[SEP]") if kind in ("bert", "deberta-v2") else ("<s>", "</s>")
    ids = [(begin, tokenizer.token_to_id(begin)), (end, tokenizer.token_to_id(end))]
    if kind in ("roberta", "xlm-roberta", "mpnet"):
        pair = f"{begin}:0 $A:0 {end}:0 {end}:0 $B:0 {end}:0"
    else:
        pair = f"{begin}:0 $A:0 {end}:0 $B:1 {end}:1"
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{begin}:0 $A:0 {end}:0", pair=pair, special_tokens=ids)
    if kind == "roberta":
        tokenizer.post_processor = processors.RobertaProcessing(sep=(end, ids[1][1]), cls=(begin, ids[0][1]), trim_offsets=True, add_prefix_space=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=128,
        cls_token=begin,
        sep_token=end,
        bos_token=begin,
        eos_token=end,
        unk_token="[UNK]" if kind in ("bert", "mpnet", "deberta-v2") else "<unk>",
        pad_token="[PAD]" if kind in ("bert", "deberta-v2") else "<pad>",
        mask_token="[MASK]" if kind in ("bert", "deberta-v2") else "<mask>",
    )


SMALL = dict(
    hidden_size=args.hidden,
    num_hidden_layers=args.layers,
    num_attention_heads=args.heads,
    intermediate_size=24 if args.hidden == 16 else 4 * args.hidden,
    initializer_range=0.6,
)
CONFIGS = {
    "bert": (BertConfig, hf.bert, "Bert"),
    "roberta": (RobertaConfig, hf.roberta, "Roberta"),
    "mpnet": (MPNetConfig, hf.mpnet, "MPNet"),
    "xlm-roberta": (XLMRobertaConfig, hf.xlm_roberta, "XLMRoberta"),
    "deberta-v2": (DebertaV2Config, hf.deberta_v2, "DebertaV2"),
}
HEADS = {
    "ner": ("ForTokenClassification", NER, ["logits"]),
    "text_classification": ("ForSequenceClassification", ["bad", "middling", "good"], ["logits"]),
    "zero_shot_classification": ("ForSequenceClassification", NLI, ["logits"]),
    "text_similarity": ("ForSequenceClassification", ["LABEL_0"], ["logits"]),
    "fill_mask": ("ForMaskedLM", None, ["logits"]),
    "text_expansion": ("ForMaskedLM", None, ["logits"]),
    "question_answering": ("ForQuestionAnswering", None, ["start_logits", "end_logits"]),
    "text_embedding": ("Model", None, ["last_hidden_state"]),
}
MATRIX = {
    "bert": ["ner", "text_classification", "zero_shot_classification", "fill_mask", "question_answering", "text_similarity", "text_expansion"],
    "roberta": ["ner", "fill_mask", "question_answering", "text_classification"],
    "mpnet": ["text_embedding", "text_similarity"],
    "xlm-roberta": ["ner", "text_embedding", "question_answering"],
    "deberta-v2": ["zero_shot_classification", "ner"],
}


class Named(torch.nn.Module):
    """Outputs by position, and only inputs that the graph shall have."""

    def __init__(self, model, inputs, outputs):
        super().__init__()
        self.model, self.inputs, self.outputs = model, inputs, outputs

    def forward(self, *values):
        answer = self.model(**dict(zip(self.inputs, values)))
        return tuple(getattr(answer, name) for name in self.outputs)


def build(kind, task, tokenizer, seed):
    config_class, module, prefix = CONFIGS[kind]
    head, labels, outputs = HEADS[task]
    settings = dict(SMALL, vocab_size=max(len(tokenizer), args.vocabulary), max_position_embeddings=130, pad_token_id=tokenizer.pad_token_id)
    if kind == "bert":
        settings["type_vocab_size"] = 2
    if kind == "deberta-v2":
        settings.update(type_vocab_size=2, relative_attention=True, pos_att_type=["p2c", "c2p"], max_relative_positions=32, position_biased_input=False)
    if labels is not None:
        settings.update(id2label=dict(enumerate(labels)), label2id={label: at for at, label in enumerate(labels)})
    torch.manual_seed(seed)
    model = getattr(module, f"{prefix}{head}")(config_class(**settings)).eval()
    folder = OUT / f"{kind}-{task}"
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    inputs = ["input_ids", "attention_mask"] + (["token_type_ids"] if kind in ("bert", "deberta-v2") else [])
    encoded = tokenizer("Anna went", "home", return_tensors="pt")
    if task == "text_expansion" and args.vocabulary:
        # A trained model gives weight to some per cent of its vocabulary, one of chance to all of it.
        with torch.no_grad():
            largest = torch.cat([model(**tokenizer(text, return_tensors="pt")).logits[0].max(0).values for text in TEXTS])
            model.cls.predictions.bias -= torch.quantile(largest, 0.97)
    types = encoded.get("token_type_ids", torch.zeros_like(encoded["input_ids"]))
    sample = tuple(types if name == "token_type_ids" else encoded[name] for name in inputs)
    axes = {name: {0: "batch", 1: "sequence"} for name in inputs}
    axes.update({name: {0: "batch"} | ({1: "sequence"} if task in ("ner", "fill_mask", "text_expansion", "text_embedding", "question_answering") else {}) for name in outputs})
    torch.onnx.export(
        # Else the export leaves the model in training, with its dropout.
        Named(model, inputs, outputs).eval(),
        sample,
        str(folder / "onnx/model.onnx"),
        input_names=inputs,
        output_names=outputs,
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
    for name in ("special_tokens_map.json",):
        (folder / name).unlink(missing_ok=True)
    return model


def encoded(tokenizer, first, second=None):
    answer = tokenizer(first, second, return_offsets_mapping=True, return_token_type_ids=True)
    return {"first": first, "second": second, "ids": answer["input_ids"], "types": answer["token_type_ids"], "offsets": answer["offset_mapping"]}


def forward(model, tokenizer, first, second=None):
    answer = tokenizer(first, second, return_tensors="pt", truncation=True, max_length=128)
    if "token_type_ids" in answer and getattr(model.config, "type_vocab_size", 0) < 2:
        del answer["token_type_ids"]
    with torch.no_grad():
        return model(**answer)


def numbers(tensor):
    return [round(float(value), 7) for value in np.asarray(tensor).reshape(-1)]


def entities(model, tokenizer, text):
    """As Elasticsearch does: the average over a word's pieces decides. Hugging Face's pipeline guesses words by the lengths of
    their pieces, which takes an emoji for a part of the word before it."""
    answer = tokenizer(text, return_offsets_mapping=True)
    chances = torch.softmax(forward(model, tokenizer, text).logits[0], -1)
    words, found = {}, []
    for at, word in enumerate(answer.word_ids()):
        if word is not None:
            words.setdefault(word, []).append(at)
    for places in words.values():
        mean = chances[places].mean(0)
        label, score = NER[int(mean.argmax())], float(mean.max())
        start, end = answer["offset_mapping"][places[0]][0], answer["offset_mapping"][places[-1]][1]
        if label == "O":
            found.append(None)
        elif label[0] == "I" and found and found[-1] and found[-1][0] == label[2:]:
            found[-1][2] = end
            found[-1][3].append(score)
        else:
            found.append([label[2:], start, end, [score]])
    return [[name, start, end, round(sum(scores) / len(scores), 7)] for name, start, end, scores in filter(None, found)]


def results(kind, task, model, tokenizer):
    if task == "ner":
        return [entities(model, tokenizer, text) for text in TEXTS]
    if task == "text_classification":
        return [numbers(torch.softmax(forward(model, tokenizer, text).logits[0], -1)) for text in TEXTS]
    if task == "zero_shot_classification":
        run = pipeline("zero-shot-classification", model=model, tokenizer=tokenizer, device="cpu")
        single = [run(text, LABELS) for text in TEXTS]
        several = [run(text, LABELS, multi_label=True) for text in TEXTS]
        shown = lambda found: [[label, round(float(score), 7)] for label, score in zip(found["labels"], found["scores"])]
        return [{"single": shown(a), "multi": shown(b)} for a, b in zip(single, several)]
    if task == "fill_mask":
        run = pipeline("fill-mask", model=model, tokenizer=tokenizer, device="cpu")
        masked = [text.replace(" ", f" {tokenizer.mask_token} ", 1) for text in TEXTS]
        return [
            {"text": text, "top": [[found["token"], round(float(found["score"]), 7)] for found in run(text)]} for text in masked
        ]
    if task == "question_answering":
        answers = []
        for text in TEXTS:
            # The formula of Hugging Face's pipeline, which Elasticsearch took over, by hand: without its windows of words.
            answer = forward(model, tokenizer, QUESTION, text)
            kinds = tokenizer(QUESTION, text).sequence_ids()
            offsets = tokenizer(QUESTION, text, return_offsets_mapping=True)["offset_mapping"]
            own = [at for at, which in enumerate(kinds) if which == 1]
            ways = []
            for logits in (answer.start_logits[0], answer.end_logits[0]):
                kept = torch.full_like(logits, -10000.0)
                for at in [0, *own]:
                    kept[at] = logits[at]
                ways.append(torch.softmax(kept, -1))
            best = max(
                ((float(ways[0][a] * ways[1][b]), a, b) for a in own for b in own if a <= b < a + 15),
                key=lambda found: found[0],
            )
            answers.append([offsets[best[1]][0], offsets[best[2]][1], round(best[0], 7)])
        return answers
    if task == "text_similarity":
        return [numbers(forward(model, tokenizer, QUESTION, text).logits[0]) for text in TEXTS]
    if task == "text_expansion":
        weights = []
        for text in TEXTS:
            vector = torch.log1p(torch.relu(forward(model, tokenizer, text).logits[0])).max(0).values
            weights.append({str(at): round(float(value), 6) for at, value in enumerate(vector) if value > 0})
        return weights
    vectors = [forward(model, tokenizer, text).last_hidden_state[0].mean(0) for text in TEXTS]
    return [numbers(vector / vector.norm()) for vector in vectors]


golden = {"texts": TEXTS, "question": QUESTION, "labels": LABELS, "tokenizers": {}, "models": {}}
for kind, tasks in MATRIX.items():
    tokenizer = train(kind)
    golden["tokenizers"][kind] = [encoded(tokenizer, text) for text in TEXTS] + [encoded(tokenizer, QUESTION, text) for text in TEXTS]
    for seed, task in enumerate(tasks):
        model = build(kind, task, tokenizer, seed)
        golden["models"][f"{kind}-{task}"] = results(kind, task, model, tokenizer)
(OUT / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
sums = {
    str(path.relative_to(OUT)): hashlib.sha256(path.read_bytes()).hexdigest()
    for path in sorted(OUT.rglob("*"))
    if path.is_file() and path.name != "sha256.json"
}
(OUT / "sha256.json").write_text(json.dumps(sums, indent=1) + "\n")
print(f"{len(golden['models'])} models, {sum(path.stat().st_size for path in OUT.rglob('*') if path.is_file())} bytes")
