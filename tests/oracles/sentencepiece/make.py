# Trains small models with SentencePiece on this repository's own text and writes what it makes of a few texts.
# apt-get install python3-sentencepiece && python3 make.py      (written by version 0.1.97)
import io, json, pathlib, random
import sentencepiece as spm

here = pathlib.Path(__file__).parent
root = here.parents[2]
lines = [line.strip() for name in ('README.md', 'ARCHITECTURE.md') for line in (root / name).read_text('utf-8').splitlines() if line.strip()]
lines += ['naïve café', '日本語のテキスト', 'a  b   c', '1234567890']
texts = json.loads((root / 'tests/golden/tokenizers/texts.json').read_text('utf-8')) + lines[:60]
rand = random.Random(5)
alphabet = list('aeiotns rlt  ,.▁') + ['  ', 'the', 'é', 'é', '漢', '🙂', '\n', '<x>', '<y>']
texts += [''.join(rand.choice(alphabet) for _ in range(rand.randint(1, 40))) for _ in range(200)]
# SentencePiece makes U+FFFD of what it cannot hold and drops NUL; such texts say nothing about its merges.
texts = [text for text in texts if '\0' not in text]
plain = dict(vocab_size=500, model_type='bpe', normalization_rule_name='identity', remove_extra_whitespaces=False, byte_fallback=True, character_coverage=1.0, num_threads=1, minloglevel=2)
models = {
    'llama': plain,
    'gemma': dict(plain, add_dummy_prefix=False, pad_id=0, eos_id=1, bos_id=2, unk_id=3, user_defined_symbols=['<x>', '\n', '▁▁', '▁▁▁']),
    'unknown': dict(plain, byte_fallback=False, vocab_size=400, character_coverage=0.98),
    'unigram': dict(plain, model_type='unigram', vocab_size=420),
    'trimming': dict(plain, remove_extra_whitespaces=True, vocab_size=420),
}
cases = {}
for name, options in models.items():
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, **options)
    (here / f'{name}.model').write_bytes(model.getvalue())
    processor = spm.SentencePieceProcessor(model_proto=model.getvalue())
    cases[name] = {'begin': processor.bos_id(), 'end': processor.eos_id(), 'ids': [processor.encode(text) for text in texts], 'decoded': [processor.decode(processor.encode(text)) for text in texts]}
(here / 'cases.json').write_text(json.dumps({'texts': texts, 'models': {name: cases[name] for name in ('llama', 'gemma', 'unknown')}}, ensure_ascii=False) + '\n', 'utf-8')
