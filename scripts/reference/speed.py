"""Texts a second of a task in PyTorch, as a user runs it: the pipeline, one text after the other, all cores.

    python scripts/reference/speed.py MODEL_FOLDER TASK TEXTS.json

The weights are random; the time does not depend on them.
"""

import json
import sys
import time

import torch
from transformers import AutoConfig, AutoTokenizer, pipeline
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

folder, task, texts = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
QUESTION, LABELS = "Where did Anna go?", ["weather", "travel", "language"]
CLASSES = {
    "ner": (AutoModelForTokenClassification, "ner"),
    "text_classification": (AutoModelForSequenceClassification, "text-classification"),
    "zero_shot_classification": (AutoModelForSequenceClassification, "zero-shot-classification"),
    "text_similarity": (AutoModelForSequenceClassification, None),
    "fill_mask": (AutoModelForMaskedLM, "fill-mask"),
    "text_expansion": (AutoModelForMaskedLM, None),
    "question_answering": (AutoModelForQuestionAnswering, "question-answering"),
    "text_embedding": (AutoModel, None),
}
kind, name = CLASSES[task]
model = kind.from_config(AutoConfig.from_pretrained(folder)).eval()
tokenizer = AutoTokenizer.from_pretrained(folder)
piped = pipeline(name, model=model, tokenizer=tokenizer, device="cpu") if name else None


def forward(first, second=None):
    encoded = tokenizer(first, second, return_tensors="pt", truncation=True, max_length=128)
    if getattr(model.config, "type_vocab_size", 0) < 2:
        encoded.pop("token_type_ids", None)
    return model(**encoded)


RUN = {
    "ner": lambda text: piped(text),
    "text_classification": lambda text: piped(text, truncation=True, max_length=128),
    "zero_shot_classification": lambda text: piped(text, LABELS),
    "text_similarity": lambda text: forward(QUESTION, text).logits.tolist(),
    "fill_mask": lambda text: piped(f"{tokenizer.mask_token} {text}", tokenizer_kwargs={"truncation": True, "max_length": 128}),
    "text_expansion": lambda text: torch.log1p(torch.relu(forward(text).logits[0])).max(0).values.tolist(),
    "question_answering": lambda text: piped(question=QUESTION, context=text),
    "text_embedding": lambda text: torch.nn.functional.normalize(forward(text).last_hidden_state.mean(1)).tolist(),
}
with torch.no_grad():
    for text in texts[:4]:
        RUN[task](text)
    began = time.perf_counter()
    for text in texts:
        RUN[task](text)
print(len(texts) / (time.perf_counter() - began))
