using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>Builds a student as its recipe says, and checks that it speaks its teacher's vocabulary.</summary>
public static class StudentModel
{
    /// <summary>The student's shape.</summary>
    /// <param name="frozen">The student's weights where an adapter is trained on them.</param>
    public static LlamaConfig Config(Recipe recipe, Tokenizer tokenizer, LlamaWeights? teacher, FrozenModel? frozen)
    {
        switch (recipe.Student)
        {
            case StudentRecipe.Shape s:
                int? end = tokenizer.FindToken(Corpus.End) ?? tokenizer.EndToken;
                LlamaConfig shape = new()
                {
                    Family = s.Family,
                    Hidden = s.Hidden,
                    Layers = s.Layers,
                    Heads = s.Heads,
                    KeyValueHeads = s.KeyValueHeads,
                    HeadSize = s.HeadSize,
                    FeedForward = s.FeedForward,
                    Vocabulary = teacher?.Config.Vocabulary ?? tokenizer.VocabularySize,
                    Context = recipe.Train.Context,
                    TiedHead = s.TiedHead,
                    AttentionBias = s.Family == LlamaFamily.Qwen2,
                    BeginToken = teacher?.Config.BeginToken ?? tokenizer.BeginToken,
                    EndTokens = teacher?.Config.EndTokens ?? (end is { } e ? [e] : []),
                };
                shape.Validate("student.shape");
                return shape;
            case StudentRecipe.TeacherLayers l:
                int bad = l.Layers.FirstOrDefault(i => i >= teacher!.Config.Layers, -1);
                return bad < 0
                    ? teacher!.Config with { Layers = l.Layers.Count }
                    : throw new UserError($"the teacher has no layer {bad}", "student.teacher_layers", $"Its layers are 0 to {teacher!.Config.Layers - 1}.");
            case StudentRecipe.From f:
                LlamaConfig given = frozen?.Weights.Config ?? ModelReference.Open(f.Reference).Weights.Config;
                CheckHead(tokenizer, given, "student", f.Reference);
                return given;
            default:
                throw new InvalidOperationException("An unknown kind of student.");
        }
    }

    /// <summary>The weights an adapter is trained on; null where all weights are trained.</summary>
    public static FrozenModel? OpenFrozen(Recipe recipe) => recipe.Student is StudentRecipe.From { Lora: { } lora } from
        ? ModelReference.OpenFrozen(from.Reference, FrozenWeights.FormatOf(lora.Base, "student.lora.base"))
        : null;

    /// <summary>Fresh initial weights for one seed.</summary>
    /// <param name="frozen">As <see cref="OpenFrozen"/> gives it; all seeds share it.</param>
    public static StudentWeights Create(Recipe recipe, LlamaConfig config, LlamaWeights? teacher, FrozenModel? frozen, ulong seed)
    {
        if (frozen is not null && recipe.Student is StudentRecipe.From { Lora: { } lora })
        {
            LoraAdapter adapter = new(config, lora.Adapter);
            adapter.Initialize(seed);
            return new StudentWeights.Adapted(frozen.Weights, adapter);
        }

        return new StudentWeights.Full(recipe.Student is StudentRecipe.From from ? ModelReference.Open(from.Reference).Weights : Born(recipe, config, teacher, seed));
    }

    static LlamaWeights Born(Recipe recipe, LlamaConfig config, LlamaWeights? teacher, ulong seed)
    {
        LlamaWeights made = new(config);
        if (recipe.Student is StudentRecipe.TeacherLayers chosen)
        {
            teacher!.Embedding.Span.CopyTo(made.Embedding.Span);
            teacher.FinalNorm.Span.CopyTo(made.FinalNorm.Span);
            teacher.Head.Span.CopyTo(made.Head.Span);
            for (int i = 0; i < chosen.Layers.Count; i++)
            {
                teacher.Layers[chosen.Layers[i]].Arena.Span.CopyTo(made.Layers[i].Arena.Span);
            }

            return made;
        }

        made.Initialize(seed);
        return made;
    }

    /// <summary>Refuses a tokenizer that knows tokens the teacher has no row for, and a student whose vocabulary differs from the teacher's,
    /// naming the first token that does.</summary>
    public static void CheckVocabulary(Recipe recipe, Tokenizer teacher, LlamaConfig teacherConfig, FrozenModel? frozen)
    {
        CheckHead(teacher, teacherConfig, "teacher", recipe.TeacherTokenizer ?? recipe.Teacher ?? "teacher");
        if (recipe.Student is not StudentRecipe.From from)
        {
            return;
        }

        OpenModel? full = frozen is null ? ModelReference.Open(from.Reference) : null;
        LlamaConfig config = frozen?.Weights.Config ?? full!.Weights.Config;
        string? tokenizer = frozen is null ? full!.TokenizerPath : frozen.TokenizerPath;
        if (tokenizer is null)
        {
            throw new UserError("the student has no tokenizer beside it", from.Reference, "Put its tokenizer.json into the folder: the vocabularies must be compared token by token.");
        }

        if (Tokenizer.FirstDifference(teacher, Tokenizer.Open(tokenizer)) is { } d)
        {
            throw new UserError(
                $"teacher and student have different vocabularies: {d.Tell("the teacher", "the student")}",
                from.Reference, "Take a student of the teacher's own vocabulary.");
        }

        if (config.Vocabulary != teacherConfig.Vocabulary)
        {
            throw new UserError($"the student's head has {config.Vocabulary} rows, the teacher's {teacherConfig.Vocabulary}", from.Reference, "Both must have the same vocab_size.");
        }
    }

    /// <summary>A head may have more rows than the tokenizer has tokens, for many are padded to a round number; a token without a row cannot be read.</summary>
    static void CheckHead(Tokenizer tokenizer, LlamaConfig config, string model, string where)
    {
        if (tokenizer.VocabularySize > config.Vocabulary)
        {
            throw new UserError($"the tokenizer knows {tokenizer.VocabularySize} tokens and the {model} {config.Vocabulary}", where, $"Put the {model}'s own tokenizer beside it, or name it in the recipe.");
        }
    }
}
