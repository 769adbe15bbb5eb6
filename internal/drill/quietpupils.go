package drill

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// quietPupils is a fortnight of a school at home. Five in a hundred fall silent, ten are kept
// waiting by us and some of them give up, three have a line that breaks, and once we are away
// in the middle of a lesson. Whoever is silent is named; nobody whom something of ours kept is
// counted absent, and no family hears of it.
//
// Who came and who was kept is the script's, drawn before the first day: it is asked of nobody.
func quietPupils(ctx context.Context, r *replay) error {
	pupils := r.scaled(600, 60)
	h, err := r.newHouse(ctx, pupils, 0, func(t *app.DrillTown) {
		t.Town = fictional.School(r.options.Seed, fictional.Options{Pupils: pupils, Weeks: 3, Tuesday: tuesday})
		for _, p := range t.Rows.People {
			if p.Kind == directory.KindPupil {
				t.Who[p.ID] = page.Pupil
			}
		}
		b := newBook(t.Town, paris())
		for _, p := range b.pupils {
			if g := b.guardian(p); g != "" {
				t.Who[g] = page.Guardian
			}
		}
	})
	if err != nil {
		return err
	}
	if h.addr, err = freePort(); err != nil { // the program comes back where it was
		return err
	}
	if err := h.enterService(ctx); err != nil {
		return err
	}
	q := &fortnight{house: h, ctx: ctx, script: r.quietScript(h), devices: map[string]*person{}, absent: map[string]bool{}, false: map[string]bool{}, before: h.sink.count()}
	defer q.hangUp()
	if err := q.closeTheSchool(); err != nil {
		return err
	}
	for day := range schoolDays {
		if err := q.morning(day); err != nil {
			return err
		}
		for _, l := range q.lessons(day) {
			if err := q.live(l); err != nil {
				return fmt.Errorf("%s at %s: %w", l.day, l.bell.In(h.zone).Format("15:04"), err)
			}
		}
	}
	if err := q.judgeNames(); err != nil {
		return err
	}
	if err := q.judgeAbsences(); err != nil {
		return err
	}
	return h.finish(ctx)
}

// fortnight is what happens in it, and what is seen of that.
type fortnight struct {
	*house
	script
	ctx     context.Context
	devices map[string]*person // of pupils
	open    []*stream
	before  int // messages at the sink when it began
	want    []saying
	ours    []saying        // of whoever came, or may have been kept by us: nobody hears of it
	absent  map[string]bool // by pupil and half-day: who was not there, and nothing of ours kept them
	false   map[string]bool // by pupil and half-day: counted absent, and should not be
}

// closeTheSchool is the head's morning: days at home, and leave to look after the quiet ones.
// Pupils sign in, each on a device of their own.
func (q *fortnight) closeTheSchool() error {
	first, last := q.days[0], q.days[len(q.days)-1]
	if err := q.until(q.clock(first, "07:00")); err != nil {
		return err
	}
	c := q.town.Cast
	if _, err := q.press(c.Head, "/timetable/home", "whole", "yes", "reason", "closed", "from", on(first, q.zone), "until", on(last, q.zone)); err != nil {
		return err
	}
	if _, err := q.press(c.Head, "/followup/open", "purpose", "Retrouver les élèves dont l'école n'a plus de nouvelles", "days", fmt.Sprint(quietAfter), "until", "2027-07-03"); err != nil {
		return err
	}
	for _, id := range q.book.pupils {
		q.devices[id] = q.device(id)
	}
	if err := fourAtOnce(q.book.pupils, func(id string) error { return q.devices[id].signIn() }); err != nil {
		return err
	}
	q.replay.say("person", "%s is closed for %d school days: %d pupils at home, %d fall silent, %d are kept waiting by us, %d have a line that breaks; the head lets the CPE look after whoever gives no sign", q.town.School.Name, len(q.days), len(q.book.pupils), len(q.quiet), len(q.kept), len(q.broken))
	return nil
}

// morning is the CPE with the page of those who make no noise: nobody may be named on it who
// is not silent by then.
func (q *fortnight) morning(day int) error {
	if day == 0 {
		return nil
	}
	if err := q.until(q.clock(q.days[day], "07:30")); err != nil {
		return err
	}
	named, err := q.namedTo(q.town.Cast.CPE)
	if err != nil {
		return err
	}
	for id := range named {
		if from, silent := q.quiet[id]; !silent || from >= day {
			q.replay.addTo("named_wrongly", 1)
			q.replay.say("wrong", "on the morning of day %d %s is named, who gave a sign or was kept by us", day+1, q.book.people[id].FirstName)
		}
	}
	return nil
}

var followed = regexp.MustCompile(`href="/followup/pupils/([^"]+)"`)

// namedTo reads who is named, as somebody sees it.
func (q *fortnight) namedTo(who string) (map[string]bool, error) {
	text, err := q.see(who, "/followup")
	out := map[string]bool{}
	for _, m := range followed.FindAllStringSubmatch(text, -1) {
		out[m[1]] = true
	}
	return out, err
}

// until lets time pass until a moment of the program's clock, which never goes back.
func (q *fortnight) until(t time.Time) error {
	if !q.now.Add(time.Since(q.setAt)).Before(t) {
		return nil
	}
	return q.at(t)
}

// live lives one bell's lessons.
func (q *fortnight) live(l lesson) error {
	if err := q.until(l.bell.Add(-5 * time.Minute)); err != nil {
		return err
	}
	for _, s := range l.sittings {
		if _, err := q.see(s.Staff[0].Person, "/class/"+s.ID); err != nil {
			return err
		}
	}
	if err := q.until(l.bell.Add(-time.Minute)); err != nil {
		return err
	}
	if err := q.come(l, q.who(l, inTime)); err != nil {
		return err
	}
	steps := []func(lesson) error{}
	switch {
	case l.crowded:
		steps = append(steps, q.crowd)
	case l.outage:
		steps = append(steps, q.goAway)
	case l.breaking:
		steps = append(steps, q.breakLines)
	}
	for _, do := range append(steps, q.rolls, q.after) {
		if err := do(l); err != nil {
			return err
		}
	}
	return nil
}

// come lets pupils open their class; one in six, and whoever is to lose their line, keeps it
// open and listens.
func (q *fortnight) come(l lesson, who []string) error {
	var mu sync.Mutex
	err := fourAtOnce(who, func(id string) error {
		text, err := q.enter(l, id)
		if err != nil || !q.listens(l, id) {
			return err
		}
		s, err := q.listen(id, text)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		q.open = append(q.open, s)
		return nil
	})
	if err != nil {
		return err
	}
	return q.prog.command("pulse")
}

// enter opens the page of a pupil's class.
func (q *fortnight) enter(l lesson, id string) (string, error) {
	path := "/class/" + l.seats[id].ID
	status, text, err := q.devices[id].get(path)
	if err == nil && (status != 200 || !strings.Contains(text, "part-pupil")) {
		err = fmt.Errorf("%s is not let into %s: %d: %s", id, path, status, words(text))
	}
	return text, err
}

// crowd is a line of ours that is long. Half of those who stand in it enter after ten minutes,
// the others close the page.
//
// The line is not a real one: the door's clock is the machine's, and a line of two minutes takes
// two minutes. What the door's watch writes of such a line is written by the program, told so
// by the drill; whoever enters does so at their page, as ever.
func (q *fortnight) crowd(l lesson) error {
	if err := q.until(l.bell.Add(9 * time.Minute)); err != nil {
		return err
	}
	in := q.who(l, waited)
	q.replay.say("fault", "day %d, %s: our line is long for a quarter of an hour; %d enter after ten minutes of it, %d give up", l.number+1, l.bell.In(q.zone).Format("15:04"), len(in), len(q.who(l, gaveUp)))
	if q.replay.options.omits != "line" {
		if err := q.prog.command(fmt.Sprintf("line %s %s %s", q.town.School.ID, stamp(l.bell.Add(-6*time.Minute)), stamp(l.bell.Add(9*time.Minute)))); err != nil {
			return err
		}
		for _, id := range in {
			if err := q.prog.command(fmt.Sprintf("waited %s %s %s %s", q.town.School.ID, id, stamp(l.bell.Add(-time.Minute)), stamp(l.bell.Add(9*time.Minute)))); err != nil {
				return err
			}
		}
	}
	return q.come(l, in)
}

// breakLines: a line goes and comes back, three times within a minute; or it is gone for longer
// than a minute.
func (q *fortnight) breakLines(l lesson) error {
	within, beyond := q.brokenLines(l)
	for range 3 {
		for _, s := range within {
			s.close()
		}
		if err := rest(q.ctx, comesBack); err != nil {
			return err
		}
		for _, s := range within {
			if err := q.again(s); err != nil {
				return err
			}
		}
	}
	for _, s := range beyond {
		s.close()
	}
	if err := q.prog.command("pulse"); err != nil {
		return err
	}
	if err := q.until(l.bell.Add(4 * time.Minute)); err != nil {
		return err
	}
	for _, s := range beyond {
		text, err := q.enter(l, s.pupil)
		if err != nil {
			return err
		}
		s.path = eventsOf(text)
		if err := q.again(s); err != nil {
			return err
		}
	}
	q.replay.say("fault", "day %d, %s: %d lines break and come back within a minute, %d after more than a minute", l.number+1, l.bell.In(q.zone).Format("15:04"), len(within), len(beyond))
	return q.prog.command("pulse")
}

// comesBack is after how long a browser opens a stream again that broke.
const comesBack = time.Second

// goAway kills the program in the middle of a lesson, and starts it again. Some come just then
// and meet nobody; of those who were in, some do not come back.
func (q *fortnight) goAway(l lesson) error {
	if err := q.until(l.bell.Add(4 * time.Minute)); err != nil {
		return err
	}
	if err := q.prog.command("pulse"); err != nil {
		return err
	}
	cut := q.who(l, cutOff)
	if q.replay.options.omits == "outage" { // they meet nobody, and the program knows of nothing
		return nil
	}
	q.kill()
	q.hangUp()
	for _, id := range cut {
		if _, _, err := q.devices[id].look("/class/" + l.seats[id].ID); err == nil {
			return fmt.Errorf("%s was answered while the program was off", id)
		}
	}
	if err := q.start(q.ctx, q.now.Add(time.Since(q.setAt))); err != nil {
		return err
	}
	back := slices.DeleteFunc(q.who(l, inTime), func(id string) bool { return q.thrown[id] })
	q.replay.say("fault", "day %d, %s: the program is killed in the middle of the lesson, and started again; %d who come just then meet nobody, %d who were in do not come back", l.number+1, l.bell.In(q.zone).Format("15:04"), len(cut), len(q.thrown))
	return q.come(l, back)
}

// after lets the hold pass, and looks whether every family that has to hear did, or is on the
// telephone list.
func (q *fortnight) after(l lesson) error {
	for _, after := range []time.Duration{0, 25 * time.Minute, 36 * time.Minute} {
		if err := q.until(l.bell.Add(after)); err != nil {
			return err
		}
		if err := q.rest(); err != nil {
			return err
		}
	}
	q.replay.leak(q.sink, "after_class")
	q.hangUp()
	if err := q.families(l); err != nil {
		return err
	}
	var here []saying
	for _, w := range q.want {
		if w.sitting.StartsAt.Equal(l.bell) {
			here = append(here, w)
		}
	}
	if err := q.telephoned(here); err != nil {
		return err
	}
	text, err := q.see(q.town.Cast.Office, "/breaker")
	if err != nil {
		return err
	}
	f := q.replay.figures
	f["held_without_reason"] = max(f["held_without_reason"], float64(numberIn(text, "Préau retient")))
	if q.replay.options.omits == "silence" { // something else is taken for a sign of those who are silent first
		for id, from := range q.quiet {
			if from > silentFrom[0] {
				continue
			}
			if _, _, err := q.devices[id].get("/"); err != nil {
				return err
			}
		}
	}
	return q.prog.command("pulse")
}

// families look at their page after a lesson during which we were away. Whoever was told in the
// morning must not read that their child was not in this one, either: we cannot know.
func (q *fortnight) families(l lesson) error {
	if !l.outage {
		return nil
	}
	for _, id := range q.who(l, staysAway) {
		g := q.book.guardian(id)
		if g == "" {
			continue
		}
		text, err := q.see(g, "/")
		if err != nil {
			return err
		}
		q.replay.addTo("families_that_looked", 1)
		if name := q.book.people[id].FirstName; strings.Contains(fold(spoken(text)), fold(name+" n'était pas en classe")) {
			q.replay.addTo("families_that_read_of_our_fault", 1)
			q.replay.say("wrong", "%s's family reads that they were not in a class that we broke off", name)
		}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func on(t time.Time, zone *time.Location) string { return t.In(zone).Format(time.DateOnly) }

// brokenLines are the open lines of those whose lines break, by turns: briefly, and for long.
func (q *fortnight) brokenLines(l lesson) (within, beyond []*stream) {
	for _, s := range q.open {
		if i := slices.Index(q.broken, s.pupil); i >= 0 && i%2 == 0 {
			within = append(within, s)
		} else if i >= 0 {
			beyond = append(beyond, s)
		}
	}
	return within, beyond
}

var eventsWords = regexp.MustCompile(`/class/[^"?]+/events\?page=[^"&]+`)

func eventsOf(text string) string { return eventsWords.FindString(text) }

// chosen is what a roll shows as chosen, by pupil.
func chosen(form url.Values) map[string]string {
	out := map[string]string{}
	for field := range form {
		if pupil, ok := strings.CutPrefix(field, "v-"); ok {
			out[pupil] = form.Get(field)
		}
	}
	return out
}

// seated are the sittings of a bell by pupil, of those whose class has one.
func (h *house) seated(bell time.Time) map[string]timetable.Sitting { return h.sits(h.sittings(bell)) }
