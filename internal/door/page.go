package door

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The waiting page: one answer, without script, without anything to fetch, smaller than four
// kilobytes. Its parts are made once, and what differs from one person to the next is a few
// numbers between them.

//go:embed waiting.html
var waitingText string

//go:embed waiting.css
var waitingStyle string

// sentences are the page's words in a language.
type sentences struct {
	Lang, Other, OtherName               string
	Title, Arrived, Keep, Rate           string
	First, Meanwhile, Status, StatusNote string
	Way, RollNow, RollNote, KnownText    string
	turn                                 func(from, until int, at string) string
}

// languages are those of the pages.
var languages = map[string]sentences{
	"fr": {Lang: "fr", Other: "en", OtherName: "English", Title: "Votre tour arrive", Arrived: "Vous êtes bien là. Beaucoup de monde se connecte.",
		Keep: "Laissez cette page ouverte, vous entrerez sans rien faire. Recharger ne fait ni perdre ni gagner de place.",
		Rate: "personnes entrent par seconde au plus.", First: "Les professeurs qui ont cours passent d'abord.", Meanwhile: "Sans attendre",
		Status: "L'état du service", StatusNote: "en clair", Way: "Depuis votre arrivée jusqu'à votre tour",
		RollNow: "Professeur en cours\u00a0? Faire l'appel maintenant", RollNote: "il n'attend pas",
		KnownText: "Votre établissement saura que vous avez attendu\u00a0: ce n'est ni un retard ni une absence.",
		turn: func(from, until int, at string) string {
			if until <= 1 {
				return "Votre tour\u00a0: dans moins d'une minute"
			}
			return fmt.Sprintf("Votre tour\u00a0: dans %d à %d minutes, vers %s", from, until, at)
		}},
	"en": {Lang: "en", Other: "fr", OtherName: "Français", Title: "Your turn is coming", Arrived: "You are here. Many people are connecting.",
		Keep: "Leave this page open, you will enter without doing anything. Reloading neither loses nor gains a place.",
		Rate: "people enter a second at most.", First: "Teachers who have a lesson go first.", Meanwhile: "Without waiting",
		Status: "State of the service", StatusNote: "in plain words", Way: "From your arrival to your turn",
		RollNow: "A teacher in class? Call the roll now", RollNote: "it does not wait",
		KnownText: "Your school will know that you waited: you are neither late nor absent.",
		turn: func(from, until int, at string) string {
			if until <= 1 {
				return "Your turn: in less than a minute"
			}
			return fmt.Sprintf("Your turn: in %d to %d minutes, about %s", from, until, at)
		}},
}

// waitingPage is the page in a language, in the pieces between its numbers.
type waitingPage struct {
	words  sentences
	pieces [readers][]string
}

// reader is who reads the page, as far as the door knows.
type reader int

const (
	anybody reader = iota // a teacher perhaps, at a browser that nobody knows
	pupil                 // on a device of their school: what they wait becomes their account's
	staff                 // who may have a class now: a roll meets no line
	readers
)

// numbers are what stands between the pieces, in their order.
const gap = "@gap@"

// waitingPages makes the pages, and the policy under which they are shown.
func waitingPages() (map[string]waitingPage, string, error) {
	t, err := template.New("waiting").Parse(waitingText)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256([]byte(waitingStyle))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	out := map[string]waitingPage{}
	for lang, words := range languages {
		p := waitingPage{words: words}
		for who := range p.pieces {
			var b strings.Builder
			err := t.Execute(&b, struct {
				sentences
				Style       template.CSS
				Gap         template.HTML
				Known, Roll bool
			}{words, template.CSS(waitingStyle), gap, reader(who) == pupil, reader(who) != pupil})
			if err != nil {
				return nil, "", err
			}
			p.pieces[who] = strings.Split(b.String(), gap)
		}
		out[lang] = p
	}
	return out, policy, nil
}

// write writes the page of somebody who waits. zone is where they read the hour.
func (p waitingPage) write(w http.ResponseWriter, v Wait, now time.Time, zone *time.Location) {
	next := strconv.Itoa(int(v.Next / time.Second))
	from, until := int(v.From/time.Minute), int(math.Ceil(v.Until.Minutes()))
	turn := p.words.turn(max(1, from), max(until, from+1), hour(now.Add((v.From+v.Until)/2).In(zone), p.words.Lang))
	if v.Until < time.Minute {
		turn = p.words.turn(0, 1, "")
	}
	w.Header().Set("Retry-After", next)
	// Whole, and in one: what is written piece by piece net/http sends in chunks.
	pieces := p.pieces[v.reader]
	between := [...]string{next, turn, turn, strconv.Itoa(v.way()), strconv.Itoa(int(math.Round(v.Rate)))}
	page := make([]byte, 0, pageSize)
	for i, piece := range pieces {
		if page = append(page, piece...); i < len(between) {
			page = append(page, between[i]...)
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	_, _ = w.Write(page)
}

// pageSize is more than the page is long.
const pageSize = 4096

// way is how much of the wait is over, in hundredths: what was waited, beside what is still told.
func (v Wait) way() int {
	return int(100 * float64(v.Since) / float64(max(v.Since+(v.From+v.Until)/2, time.Second)))
}

func hour(t time.Time, lang string) string {
	if lang == "fr" {
		return fmt.Sprintf("%d\u00a0h\u00a0%02d", t.Hour(), t.Minute())
	}
	return t.Format("15:04")
}
