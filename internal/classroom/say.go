package classroom

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

func title(v view) string {
	if v.Classes == "" {
		return v.Sitting.Label
	}
	return v.Sitting.Label + ", " + v.Classes
}

func when(ctx context.Context, v view) string {
	return page.Capital(page.Date(ctx, v.Sitting.StartsAt)) + " · " + page.Hour(ctx, v.Sitting.StartsAt) + " – " + page.Hour(ctx, v.Sitting.EndsAt)
}

// shut says why somebody is not let in.
func shut(ctx context.Context, v view) string {
	switch v.Door {
	case DoorEarly:
		return page.T(ctx, "classroom.door.early", "hour", page.Hour(ctx, v.Sitting.StartsAt.Add(-earlyClass)))
	case DoorAsk:
		if v.Part == Pupil {
			return page.T(ctx, "classroom.door.locked")
		}
	}
	return page.T(ctx, "classroom.door."+string(v.Door))
}

// personNote says where somebody of the class is.
func personNote(ctx context.Context, r personRow) string {
	var parts []string
	switch {
	case r.Entry.State == Removed:
		parts = append(parts, page.T(ctx, "classroom.person.removed"))
	case r.Here:
		parts = append(parts, page.T(ctx, "classroom.person.here", "hour", page.Hour(ctx, r.Stays[0].FromAt)))
	case len(r.Stays) > 0:
		parts = append(parts, page.T(ctx, "classroom.person.gone", "hour", page.Hour(ctx, r.Stays[len(r.Stays)-1].SeenAt)))
	case r.Home:
		parts = append(parts, page.T(ctx, "classroom.person.never"))
	}
	if r.Kind == directory.KindPupil && !r.Home && r.Entry.Part != Guest {
		parts = append(parts, page.T(ctx, "classroom.person.building"))
	}
	if r.Entry.Part == Guest {
		parts = append(parts, page.T(ctx, "classroom.person.guest"))
	}
	return strings.Join(parts, " · ")
}

func tone(r personRow) page.Tone {
	if r.Here {
		return page.Here
	}
	return page.Soft
}

func eventsPath(v view) string { return "/class/" + v.Sitting.ID + "/events?page=" + v.Page }

func to(v view, what string) string { return "/class/" + v.Sitting.ID + "/" + what }

func talks() []Talk { return []Talk{TalkOff, TalkTeacher, TalkAll} }

func sources() []Source { return []Source{Microphone, Camera, Screen} }

func (f Floor) has(s Source) bool {
	return s == Microphone && f.Microphone || s == Camera && f.Camera || s == Screen && f.Screen
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func floorOfAllLabel(ctx context.Context, v view) string {
	if v.Class.Microphones {
		return page.T(ctx, "classroom.floor.none")
	}
	return page.T(ctx, "classroom.floor.all")
}

// someSpeak tells whether a microphone was given to somebody.
func (v view) someSpeak() bool {
	return slices.ContainsFunc(v.People, func(r personRow) bool { return r.Floor.Microphone })
}

// soundOf is how the class is for its sound: not opened, open, ended.
func soundOf(v view) string {
	switch {
	case !v.Class.EndedAt.IsZero():
		return "ended"
	case v.Class.OpenedAt.IsZero():
		return "wait"
	}
	return "open"
}

// soundWords are what the script of the class says, in the viewer's language.
func soundWords(ctx context.Context) string {
	out := map[string]string{}
	for _, key := range []string{"ready", "connecting", "in", "back", "left", "away", "blocked", "lost", "refused", "twice", "poor", "only", "only.on", "pictures",
		"denied", "nodevice", "me", "speaks", "microphone.on", "screen.of", "screen.not", "class.wait", "class.ended", "class.out"} {
		out[key] = page.T(ctx, "classroom.sound."+key)
	}
	for _, s := range sources() {
		for _, what := range []string{"open", "close", "given", "taken"} {
			key := string(s) + "." + what
			out[key] = page.T(ctx, "classroom.sound."+key)
		}
	}
	return asText(out)
}

func asText(out map[string]string) string {
	text, err := json.Marshal(out)
	if err != nil {
		panic("classroom: words: " + err.Error()) // strings can be written
	}
	return string(text)
}
