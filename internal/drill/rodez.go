package drill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/app"
)

// rodez tries to make one absence reach 1,500 families: every page and form of the program,
// by every role, with lists, wildcards, nothing, repeated parameters and other schools' ids.
// Then one pupil is really absent, and it is taken back.
func rodez(ctx context.Context, r *replay) error {
	h, err := r.newHouse(ctx, r.scaled(1500, 60), 0)
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
	if err := h.at(h.clock(day, "08:06")); err != nil {
		return err
	}
	routes, err := routesOf(ctx, filepath.Join(h.owns, "routes"))
	if err != nil {
		return err
	}
	// One pupil is absent, and not yet told of: that is when a form could reach others.
	pupil := h.onlyChild(day)
	about := h.toSay(absence, day, []string{pupil})
	before := h.sink.count()
	if _, err := h.callAll(day, func(p string) bool { return p == pupil }); err != nil {
		return err
	}
	a := h.newAttack(pupil, about)
	for _, who := range []string{c.Head, c.CPE, c.Office, h.firstHour(day)[0].Staff[0].Person, c.Nadia, c.Lea, app.DrillOperator, ""} {
		if err := a.everyRoute(routes, who); err != nil {
			return err
		}
		if err := a.everyForm(routes, who); err != nil {
			return err
		}
	}
	if err := a.commands(ctx); err != nil {
		return err
	}
	r.say("fault", "%d requests with lists, wildcards, nothing and others' ids to %d pages and forms, %d of them as somebody sees them, by 8 kinds of people; and commands", a.tried, len(routes), len(a.forms))
	// What was attacked may have been stopped or closed by a real button: nobody has.
	if text, err := h.see(c.Office, "/service"); err != nil || !strings.Contains(text, "En service") {
		return fmt.Errorf("the attack took the school out of service: %w %s", err, words(text))
	}
	if err := h.at(h.clock(day, "08:20")); err != nil {
		return err
	}
	seen, err := h.appears("told-row", h.book.people[pupil].LastName)
	if err != nil {
		return err
	}
	if err := h.rest(); err != nil {
		return err
	}
	alerts := h.sink.since(before)
	h.judge(alerts, about)
	if len(alerts) == 0 {
		return errors.New("nobody was told of the pupil who is absent")
	}
	nameless := 0
	for _, m := range alerts {
		if !h.book.says(about[0], m) {
			nameless++
		}
	}
	r.is("without_name_lesson_or_hour", nameless, 0)
	r.say("sent", "one pupil is absent: %d messages", len(alerts))
	// It was a mistake: one press, alone.
	text, err := h.see(c.Office, "/corrections")
	if err != nil {
		return err
	}
	form, err := formTo(text, "/corrections")
	if err != nil {
		return err
	}
	pressed, n := time.Now(), h.sink.count()
	p, err := h.as(c.Office)
	if err != nil {
		return err
	}
	if status, text, err := p.post("/corrections", form); err != nil || status != http.StatusOK {
		return fmt.Errorf("the correction was refused: %d %w: %s", status, err, words(text))
	}
	if err := h.rest(); err != nil {
		return err
	}
	mended := h.sink.since(n)
	k := h.judge(mended, h.toSay(correction, day, []string{pupil}))
	untrue := 0
	for _, m := range mended {
		if !schoolsMistake.MatchString(strings.ReplaceAll(m.Text, "’", "'")) {
			untrue++
		}
	}
	r.is("corrections_that_do_not_own_it", untrue, 0)
	r.within("slowest_correction_s", k.last.Sub(pressed), 180*time.Second)
	// What can be corrected once cannot be corrected again, nor for others.
	a.want = append(a.want, h.toSay(correction, day, []string{pupil})...)
	again, err := a.hand(c.Office)
	if err != nil {
		return err
	}
	if err := a.form(again, pageForm{"/corrections", form}); err != nil {
		return err
	}
	r.say("corrected", "%d corrections, the last %.2f s after the press", len(mended), k.last.Sub(pressed).Seconds())
	r.is("routes_accepting_a_recipient", len(a.accepting), 0)
	r.figure("forms_tried", float64(len(a.forms)))
	r.atLeast("requests_tried", a.tried, 1000)
	r.figure("held", 0)
	r.within("detected_s", max(0, seen.Sub(alerts[0].At)), 30*time.Second)
	return h.finish(ctx)
}

// routesOf lists every page and form of the program.
func routesOf(ctx context.Context, folder string) ([]app.RouteInfo, error) {
	a, err := app.Open(ctx, app.Config{Data: folder, Addr: "127.0.0.1:0"}, app.Options{Log: slog.New(slog.DiscardHandler), For: app.Installing})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.RouteList(), nil
}
