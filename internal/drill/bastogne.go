package drill

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// bastogne inverts the rolls of a school of about 580: who is present is noted absent, and
// who is absent present. The first message must not leave; a second person must see why; the
// rolls are put right, and the families of who is really absent are told.
func bastogne(ctx context.Context, r *replay) error {
	h, err := r.newHouse(ctx, r.scaled(584, 90), 0)
	if err != nil {
		return err
	}
	if err := h.enterService(ctx); err != nil {
		return err
	}
	if err := h.underFire(ctx); err != nil {
		return err
	}
	if err := h.ordinaryDay(h.town.Tuesday, ordinaryAbsence); err != nil {
		return err
	}
	day, c := h.town.Tuesday.AddDate(0, 0, 2), h.town.Cast
	really := h.drawn(ordinaryAbsence)
	if err := h.at(h.clock(day, "08:06")); err != nil {
		return err
	}
	before := h.sink.count()
	// The office's screen is looked at after every roll: when does it tell?
	var began, seen time.Time
	inverted := 0
	present := map[string]bool{}
	for _, s := range h.firstHour(day) {
		_, err := h.call(s.Staff[0].Person, s.ID, func(p string) string {
			if really(p) {
				present[p] = true
				return "present"
			}
			inverted++
			return "absent"
		})
		if err != nil {
			return err
		}
		if began.IsZero() {
			began = time.Now()
		}
		if !seen.IsZero() {
			continue
		}
		if told, err := h.boardTells(); err != nil {
			return err
		} else if told {
			seen = time.Now()
		}
	}
	r.say("fault", "%d pupils who are there are noted absent, %d who are not are noted present", inverted, len(present))
	for deadline := time.Now().Add(time.Minute); seen.IsZero() && time.Now().Before(deadline); {
		if told, err := h.boardTells(); err != nil {
			return err
		} else if told {
			seen = time.Now()
		}
	}
	if err := h.at(h.clock(day, "08:20")); err != nil {
		return err
	}
	if err := h.rest(); err != nil {
		return err
	}
	r.leak(h.sink, "held")
	r.addTo("wrong_messages", h.sink.count()-before)
	text, err := h.see(c.Office, "/breaker")
	if err != nil {
		return err
	}
	held := numberIn(text, "retient")
	r.say("held", "08:20: %d alerts are held, %d messages left; the office reads: %s", held, h.sink.count()-before, firstWords(text))
	r.is("held", held, inverted)
	// The second person, who has seen no figure, knows how many are usually away.
	if _, err := h.press(c.Office, "/breaker", "do", "ask", "scope", ""); err != nil {
		return err
	}
	// Whoever asked is not the second person, and the second person sees no figure.
	alone, err := h.refused(c.Office, "/breaker", "do", "answer", "scope", "", "expected", strconv.Itoa(held))
	if err != nil {
		return err
	}
	r.is("released_by_who_asked", map[bool]int{true: 0, false: 1}[alone], 0)
	question, err := h.see(c.Head, "/breaker")
	if err != nil {
		return err
	}
	r.is("figures_that_the_second_person_sees", strings.Count(strings.Join(elements(question, "sheet"), " "), strconv.Itoa(held)), 0)
	usual := h.share(ordinaryAbsence)
	let, err := h.refused(c.Head, "/breaker", "do", "answer", "scope", "", "expected", strconv.Itoa(usual))
	if err != nil {
		return err
	}
	r.is("released_wrongly", map[bool]int{true: 0, false: 1}[let], 0)
	r.say("person", "the head expects %d absent: nothing is let go", usual)
	// The teachers put their rolls right.
	if err := h.at(h.clock(day, "08:23")); err != nil {
		return err
	}
	absent, err := h.callAll(day, really)
	if err != nil {
		return err
	}
	if err := h.rest(); err != nil {
		return err
	}
	r.say("person", "the rolls are put right: %d are really absent", len(absent))
	if err := h.release(len(absent)); err != nil {
		return err
	}
	if err := h.at(h.clock(day, "08:35")); err != nil {
		return err
	}
	if err := h.rest(); err != nil {
		return err
	}
	messages := h.sink.since(before)
	want := h.toSay(absence, day, absent)
	t := h.judge(messages, want)
	if err := h.telephoned(want); err != nil {
		return err
	}
	r.say("sent", "%d messages to the families of the %d really absent", t.right, len(absent))
	r.figure("slowest_correction_s", 0)
	if seen.IsZero() {
		seen = began.Add(time.Hour)
	}
	r.within("detected_s", seen.Sub(began), 30*time.Second)
	return h.finish(ctx)
}

// boardTells tells whether the office's own screen says that the morning is held.
func (h *house) boardTells() (bool, error) {
	text, err := h.see(h.town.Cast.Office, "/board")
	return strings.Contains(text, `href="/breaker"`), err
}

// release lets the held morning go: one asks, another answers with the number that they
// expect.
func (h *house) release(expected int) error {
	c := h.town.Cast
	if _, err := h.press(c.Office, "/breaker", "do", "ask", "scope", ""); err != nil {
		return err
	}
	p, err := h.as(c.Head)
	if err != nil {
		return err
	}
	status, text, err := p.post("/breaker", url.Values{"do": {"answer"}, "scope": {""}, "expected": {strconv.Itoa(expected)}})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the release was refused: %d: %s", status, words(text))
	}
	return err
}

// numberIn reads the number that follows a word on a page.
func numberIn(text, after string) int {
	_, rest, ok := strings.Cut(words(text), after)
	if !ok {
		return 0
	}
	digits := ""
	for _, c := range rest {
		switch {
		case c >= '0' && c <= '9':
			digits += string(c)
		case digits != "" && c != ' ' && c != '\u00a0' && c != '\u202f':
			n, _ := strconv.Atoi(digits)
			return n
		case digits != "" && c == ' ':
			n, _ := strconv.Atoi(digits)
			return n
		}
	}
	n, _ := strconv.Atoi(digits)
	return n
}

// firstWords is the beginning of what a page says below its frame.
func firstWords(text string) string {
	_, main, ok := strings.Cut(text, "<main")
	if !ok {
		main = text
	}
	w := words("<main" + main)
	return w[:min(len(w), 160)]
}
