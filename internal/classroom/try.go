package classroom

import (
	"context"
	"net/http"

	"github.com/preau-ent/preau/internal/page"
)

// A trial is a room in the engine in which somebody is alone, before their first class: the
// line, the sound and the picture are tried as they will be used, and nobody else is there.
func trialOf(person string) string { return "try." + person }

// trial lets a person into their own trial, and nobody else. It is no class: nothing is kept.
func trial(person, sitting string) (Member, bool) {
	return Member{Floor: Floor{Microphone: true, Camera: true}}, person != "" && sitting == trialOf(person)
}

// try is the page of it.
func (p *Pages) try(w http.ResponseWriter, r *http.Request) error {
	v, address := page.ViewerOf(r), ""
	if v.ID != "" && p.Media != nil && !p.Media.Missing() {
		address = p.Media.Address(v.School, trialOf(v.ID))
	}
	return page.Show(w, r, http.StatusOK, tryPage(address))
}

// tryWords are what the script of the trial says.
func tryWords(ctx context.Context) string {
	out := map[string]string{}
	for _, key := range []string{"line.ok", "microphone.say", "microphone.ok", "camera.ok", "ear.asked", "over"} {
		out[key] = page.T(ctx, "classroom.try."+key)
	}
	for _, key := range []string{"connecting", "away", "blocked", "lost", "refused", "denied", "nodevice"} {
		out[key] = page.T(ctx, "classroom.sound."+key)
	}
	return asText(out)
}
