"""A Marian and a T5 of a few thousand parameters, on disk as the hub would give them. Their tokenizers are
made here, and they learn by heart the few pairs of texts that they are given."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from tokenizers import decoders as tokenizer_decoders
from transformers import (
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

SURE = 0.9
"""Lowest probability of a right piece at which a model knows its pairs by heart: then no search finds others,
however the processor rounds."""
STEPS = 2000


def build_marian(directory: Path, pairs: Mapping[str, str]) -> Path:
    """Write a Marian model with source.spm, target.spm and vocab.json."""
    directory.mkdir(parents=True)
    for side in ("source", "target"):
        with (directory / f"{side}.spm").open("wb") as file:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(_texts(pairs) * 20),
                model_writer=file,
                vocab_size=60,
                hard_vocab_limit=False,
                minloglevel=2,
            )
    processor = sentencepiece.SentencePieceProcessor(model_file=str(directory / "source.spm"))
    pieces = [processor.id_to_piece(index) for index in range(processor.get_piece_size())]
    pieces = ["</s>", "<unk>", *[piece for piece in pieces if piece not in ("<s>", "</s>", "<unk>")], "<pad>"]
    (directory / "vocab.json").write_text(json.dumps({piece: index for index, piece in enumerate(pieces)}))
    tokenizer = MarianTokenizer(
        source_spm=str(directory / "source.spm"),
        target_spm=str(directory / "target.spm"),
        vocab=str(directory / "vocab.json"),
        model_max_length=64,
    )
    tokenizer.save_pretrained(directory)
    config = MarianConfig(
        vocab_size=len(pieces),
        decoder_vocab_size=len(pieces),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=64,
        dropout=0.0,
        pad_token_id=len(pieces) - 1,
        decoder_start_token_id=len(pieces) - 1,
        eos_token_id=0,
        forced_eos_token_id=0,
        scale_embedding=True,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _taught(MarianMTModel(config), tokenizer, pairs).save_pretrained(directory)
    return directory


def build_t5(directory: Path, pairs: Mapping[str, str]) -> Path:
    """Write a T5 model with tokenizer.json."""
    # Its trainer orders pieces of the same score otherwise in every process; single letters will do.
    letters = sorted(set("".join(_texts(pairs))) - {" "})
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0)]
    pieces = Tokenizer(models.Unigram([*vocabulary, *((letter, -3.0) for letter in letters)], unk_id=2))
    pieces.pre_tokenizer = pre_tokenizers.Metaspace()
    pieces.decoder = tokenizer_decoders.Metaspace()
    pieces.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", pieces.token_to_id("</s>"))]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=pieces, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=64
    )
    tokenizer.save_pretrained(directory)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=1,
        num_heads=2,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
        dropout_rate=0.0,
        tie_word_embeddings=True,  # as T5 has it: the logits are then scaled
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _taught(T5ForConditionalGeneration(config), tokenizer, pairs).save_pretrained(directory)
    return directory


def _texts(pairs: Mapping[str, str]) -> list[str]:
    return [*pairs, *pairs.values()]


def _taught(model: Any, tokenizer: Any, pairs: Mapping[str, str]) -> Any:
    inputs = tokenizer(list(pairs), padding=True, return_tensors="pt")
    labels = tokenizer(text_target=list(pairs.values()), padding=True, return_tensors="pt")["input_ids"]
    labels[labels == tokenizer.pad_token_id] = -100
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    # less and less, or the last letters never settle
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.995)
    rights = labels != -100
    for _ in range(STEPS):
        optimizer.zero_grad()
        found = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], labels=labels)
        right = torch.log_softmax(found.logits.detach(), dim=-1).gather(-1, labels.clamp(min=0)[..., None])[
            ..., 0
        ]
        if right[rights].min() > math.log(SURE):
            return model.eval()
        found.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    raise AssertionError(f"{pairs} not learnt, loss {found.loss.item():.3f}")
