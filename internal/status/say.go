package status

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/preau-ent/preau/internal/page"
)

// sentence is the state in one sentence: the newest incident's first words, else what was
// measured.
func sentence(ctx context.Context, r Report) string {
	if len(r.Open) > 0 {
		text, _ := r.Open[0].Last().In(page.Lang(ctx))
		first, _ := firstLine(text)
		return first
	}
	return page.T(ctx, r.Headline(), "low", r.Low, "high", r.High)
}

// measured is the sentence of what was measured alone, beside an incident's words.
func measured(ctx context.Context, r Report) string {
	return page.T(ctx, r.Measured, "low", r.Low, "high", r.High)
}

// isLong tells whether a sentence is too long for the largest letters.
func isLong(text string) bool { return utf8.RuneCountInString(text) > 70 }

func firstLine(text string) (first, rest string) {
	first, rest, _ = strings.Cut(text, "\n")
	return first, strings.TrimSpace(rest)
}

// leadClass is the colour beside the first sentence, which says the same in words.
func leadClass(r Report) string {
	grade := r.Worst
	for _, i := range r.Open {
		grade = max(grade, i.Grade)
	}
	if r.Starting && len(r.Open) == 0 {
		return "starting"
	}
	return grade.String()
}

func hourSentence(ctx context.Context, r Report, d drawing) string {
	switch {
	case len(r.Points) == 0:
		return page.T(ctx, "status.hour.none")
	case d.Most == 0:
		return page.T(ctx, "status.hour.nobody", "n", d.Entered)
	}
	now := page.T(ctx, "status.hour.empty")
	if r.Waiting > 0 {
		now = page.T(ctx, "status.hour.now", "n", r.Waiting)
	}
	return page.T(ctx, "status.hour.line", "most", d.Most, "at", page.Hour(ctx, d.MostAt), "entered", d.Entered) + " " + now
}

func otherLang(ctx context.Context) string {
	if page.Lang(ctx) == "fr" {
		return "en"
	}
	return "fr"
}

func otherName(ctx context.Context) string {
	if page.Lang(ctx) == "fr" {
		return "English"
	}
	return "Français"
}

// tag is a part's grade as it is shown. What is only pretended does not "work".
func (p PartReport) tag() string {
	if p.Why == whyPretended {
		return "pretended"
	}
	return p.Grade.String()
}

// heading names an incident for the operator by its first words.
func heading(i Incident) string {
	first, _ := firstLine(i.Last().FR)
	if runes := []rune(first); len(runes) > 60 {
		first = string(runes[:59]) + "…"
	}
	return first
}

func tone(g Grade) page.Tone {
	return map[Grade]page.Tone{Works: page.Held, Slow: page.Late, Stopped: page.Absent}[g]
}

func touches(d draft, p Part) bool { return slices.Contains(d.Touches, p) }

// touched lists what an incident touches.
func touched(ctx context.Context, i Incident) string {
	names := make([]string, len(i.Touches))
	for n, p := range i.Touches {
		names[n] = page.T(ctx, "status.part."+string(p))
	}
	return page.T(ctx, "status.touches", "grade", page.T(ctx, "status.grade."+i.Grade.String()), "parts", strings.Join(names, ", "))
}

func grades(ctx context.Context) (out []page.Option) {
	for g := Works; g <= Stopped; g++ {
		out = append(out, page.Option{Value: g.String(), Text: page.T(ctx, "status.say.grade."+g.String())})
	}
	return out
}

func partTone(p PartReport) page.Tone {
	if p.tag() == "pretended" {
		return page.Soft
	}
	return map[Grade]page.Tone{Works: page.Here, Slow: page.Late, Stopped: page.Absent}[p.Grade]
}

// hereTone is the edge of the school's sheet: quiet while all goes well.
func hereTone(v hereView) page.Tone {
	worst := Works
	for _, p := range v.parts() {
		worst = max(worst, p.Grade)
	}
	if worst == Works {
		return ""
	}
	return tone(worst)
}
