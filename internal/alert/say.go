package alert

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// Text is a sentence that is not in a language yet: a key with its fields. A field may
// be a Text; a time.Time is written as an hour, a Day as a date.
type Text struct {
	key   string
	args  []any
	plain string // instead of a key: the same in every language
}

// Day is a moment of which only the date is written.
type Day time.Time

// Say makes a Text of a key and pairs of a field's name and its value.
func Say(key string, args ...any) Text { return Text{key: key, args: args} }

// In writes the text in the language and zone of the page.
func (t Text) In(ctx context.Context) string {
	if t.key == "" {
		return t.plain
	}
	args := slices.Clone(t.args)
	for i := 1; i < len(args); i += 2 {
		switch v := args[i].(type) {
		case Text:
			args[i] = v.In(ctx)
		case time.Time:
			args[i] = page.Hour(ctx, v)
		case Day:
			args[i] = page.DateYear(ctx, time.Time(v))
		}
	}
	return page.T(ctx, t.key, args...)
}

// dateOf reads a day, YYYY-MM-DD, as a moment inside it in any zone.
func dateOf(day string) Day {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return Day{}
	}
	return Day(t.Add(12 * time.Hour))
}

// listName is a name as lists order it: BENALI Léa.
func listName(p directory.Person) string {
	return strings.TrimSpace(strings.ToUpper(p.LastName) + " " + p.FirstName)
}

// shortName is a name where no surname is needed: Léa B.
func shortName(p directory.Person) string { return p.FirstName + " " + initial(p.LastName) + "." }

// kinship says what an adult is to a pupil. What a source says in other words than the
// directory's is shown as it says it.
func kinship(k string) Text {
	switch {
	case slices.Contains(directory.Kinships(), k):
		return Say("alert.kinship." + strings.ReplaceAll(k, " ", "-"))
	case k == "":
		return Say("alert.kinship.other")
	}
	return Text{plain: k}
}

// readable writes a telephone number as people of its country read it out.
func readable(number string) string {
	digits, french := strings.CutPrefix(number, "+33")
	if french && len(digits) == 9 {
		digits = "0" + digits
		return strings.Join([]string{digits[:2], digits[2:4], digits[4:6], digits[6:8], digits[8:]}, "\u00a0")
	}
	if digits, ok := strings.CutPrefix(number, "+1"); ok && len(digits) == 10 {
		return digits[:3] + "\u00a0" + digits[3:6] + "-" + digits[6:]
	}
	return number
}
