package notices

import (
	"context"
	"strings"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// who names a person of the school, or the operator.
func who(ctx context.Context, people map[string]directory.Person, id string) string {
	if strings.HasPrefix(id, "operator:") {
		return page.T(ctx, "notices.operator.who")
	}
	if p, ok := people[id]; ok {
		return p.FirstName + " " + p.LastName
	}
	return page.T(ctx, "notices.somebody")
}

// scope names whom a request is for: the whole school, or a level with its classes.
func scope(ctx context.Context, level string, classes []string) string {
	if level == WholeSchool {
		return page.T(ctx, "notices.level.school")
	}
	if len(classes) == 0 {
		return page.T(ctx, "notices.level.of", "level", level)
	}
	return page.T(ctx, "notices.level.classes", "level", level, "classes", strings.Join(classes, ", "))
}

func name(ctx context.Context, t Text) string { return page.T(ctx, "notices.name."+string(t)) }

// stateText says where a request stands.
func stateText(ctx context.Context, r Request) string {
	if r.State == Asked {
		return page.T(ctx, "notices.state.asked", "hour", page.Hour(ctx, r.AskedAt.Add(confirmWithin)))
	}
	if r.State == Void && r.ConfirmedBy != "" {
		return page.T(ctx, "notices.state.cut")
	}
	return page.T(ctx, "notices.state."+string(r.State), "hour", page.Hour(ctx, r.ConfirmedAt))
}

func stateTone(s State) page.Tone {
	switch s {
	case Asked, Confirmed:
		return page.Held
	case Written:
		return page.Here
	}
	return ""
}

// title is the page's of a request.
func title(ctx context.Context, v requestView) string {
	switch v.State {
	case Asked:
		if v.Lapsed {
			return page.T(ctx, "notices.title.lapsed", "text", name(ctx, v.Text))
		}
		return page.T(ctx, "notices.title.asked", "text", name(ctx, v.Text))
	case Confirmed, Written:
		if v.Working() {
			return page.T(ctx, "notices.title.leaving", "text", name(ctx, v.Text))
		}
		return page.T(ctx, "notices.title.left", "text", name(ctx, v.Text), "n", v.Left)
	case Withdrawn:
		return page.T(ctx, "notices.title.withdrawn", "text", name(ctx, v.Text))
	}
	return page.T(ctx, "notices.title.void", "text", name(ctx, v.Text))
}

// story is what was done about a request, in order.
func story(ctx context.Context, v requestView) []page.Step {
	steps := []page.Step{{When: page.Hour(ctx, v.AskedAt), What: page.T(ctx, "notices.story.asked", "who", who(ctx, v.People, v.AskedBy), "n", v.Request.People), Note: page.Capital(page.Date(ctx, v.AskedAt)), Tone: page.Held}}
	if v.ConfirmedBy != "" {
		steps = append(steps, page.Step{When: page.Hour(ctx, v.ConfirmedAt), What: page.T(ctx, "notices.story.confirmed", "who", who(ctx, v.People, v.ConfirmedBy)), Tone: page.Here})
	}
	switch {
	case v.State == Withdrawn || v.State == Void && v.Because == Dropped:
		steps = append(steps, page.Step{When: page.Hour(ctx, v.SettledAt), What: page.T(ctx, "notices.story.withdrawn", "who", who(ctx, v.People, v.SettledBy)), Tone: page.Late})
	case v.State == Void:
		steps = append(steps, page.Step{When: page.Hour(ctx, v.SettledAt), What: page.T(ctx, "notices.void."+string(v.Because)), Tone: page.Late})
	}
	return steps
}

// options are a text's wordings, as a list to choose from.
func options(ctx context.Context, t Text) []page.Option {
	var out []page.Option
	for _, c := range t.Choices() {
		out = append(out, page.Option{Value: c, Text: page.T(ctx, "notices.choice."+string(t)+"."+c)})
	}
	return out
}

// levelOptions are the whole school and its levels.
func levelOptions(ctx context.Context, levels []Level) []page.Option {
	out := []page.Option{{Value: WholeSchool, Text: page.T(ctx, "notices.level.school")}}
	for _, l := range levels {
		out = append(out, page.Option{Value: l.Name, Text: page.T(ctx, "notices.level.classes", "level", l.Name, "classes", strings.Join(l.Classes, ", "))})
	}
	return out
}

// someHour tells whether any wording of a text names an hour.
func someHour(t Text) bool {
	for _, c := range t.Choices() {
		if t.HasHour(c) {
			return true
		}
	}
	return false
}

// reach says how many messages of each channel a wish is.
func reach(ctx context.Context, p Preview) string {
	return page.T(ctx, "notices.reach", "sms", page.T(ctx, "notices.reach.sms", "n", p.Messages[directory.SMS]), "email", page.T(ctx, "notices.reach.email", "n", p.Messages[directory.Email]))
}

func sentence(ctx context.Context, err error) string {
	if r, ok := err.(*page.Refusal); ok {
		return r.Sentence(ctx)
	}
	return ""
}

func langName(ctx context.Context, lang string) string { return page.T(ctx, "notices.lang."+lang) }

func percent(n, of int) int {
	if of == 0 {
		return 100
	}
	return n * 100 / of
}

// voidText says why a request will not leave.
func voidText(ctx context.Context, v requestView) string {
	if v.Because == "" { // too late, and nobody has written so yet
		return page.T(ctx, "notices.void.lapsed")
	}
	return page.T(ctx, "notices.void."+string(v.Because))
}

// readLabel is the button of a request that waits: whoever asked for it only looks.
func readLabel(ctx context.Context, v listView, r Request) string {
	if v.By == r.AskedBy {
		return page.T(ctx, "notices.see")
	}
	return page.T(ctx, "notices.read")
}

func readKind(v listView, r Request) page.Kind {
	if v.By == r.AskedBy {
		return page.Ordinary
	}
	return page.Main
}
