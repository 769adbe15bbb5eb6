package directory

import (
	"cmp"
	"context"
	"strings"

	"github.com/a-h/templ"

	"github.com/preau-ent/preau/internal/directory/internal/plain"
	"github.com/preau-ent/preau/internal/page"
)

// listedOnPage is how many lines of one kind a page shows; the table has all.
const listedOnPage = 200

func fileNames(u upload) string {
	var names []string
	for _, f := range u.Files[:min(len(u.Files), 3)] {
		names = append(names, f.Name)
	}
	if len(u.Files) > 3 {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

func toldAfter(all []Difference) (n int) {
	for _, d := range all {
		if d.Refused == "" {
			n += d.ToldAfter
		}
	}
	return n
}

// lineText is one line of a difference.
func lineText(ctx context.Context, l diffLine) string {
	text := l.Who
	if l.Pupil != "" {
		text = page.T(ctx, "directory.import.pair", "who", l.Who, "pupil", l.Pupil)
	}
	switch {
	case l.From != "" && l.To != "" && l.From != l.To:
		text += " · " + page.T(ctx, "directory.import.fromto", "from", levelWord(ctx, l.From), "to", levelWord(ctx, l.To))
	case l.From != "" || l.To != "":
		text += " · " + levelWord(ctx, cmp.Or(l.To, l.From))
	}
	return text
}

// refusedText says in words why a school is not taken at all.
func refusedText(ctx context.Context, d Difference) string {
	if strings.HasPrefix(d.Refused, ErrTwoSources.Error()) {
		return page.T(ctx, "directory.import.twosources")
	}
	return page.T(ctx, "directory.import.gone")
}

func fieldsOnPage() []string { return plain.Fields(adultsOnPage) }

func sheetOptions(sheets []string) (out []page.Option) {
	for _, s := range sheets {
		out = append(out, page.Option{Value: s, Text: s})
	}
	return out
}

func wrongAttrs(ctx context.Context, err error, field string) templ.Attributes {
	if page.FieldError(ctx, err, field) == "" {
		return templ.Attributes{}
	}
	return templ.Attributes{"aria-invalid": "true", "aria-describedby": "f-" + field + "-error"}
}
