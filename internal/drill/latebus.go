package drill

import (
	"context"
	"slices"
	"time"
)

// lateBus is any rainy Tuesday: forty pupils are noted absent because their bus is late, and
// walk in at random within half an hour.
func lateBus(ctx context.Context, r *replay) error {
	h, err := r.newHouse(ctx, r.scaled(1200, 60), 0)
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
	// A day with as many absent as a vocational lycée has is no less ordinary.
	if err := h.ordinaryDay(h.town.Tuesday.AddDate(0, 0, 1), vocationalAbsence); err != nil {
		return err
	}
	// The next day the bus is late.
	day := h.town.Tuesday.AddDate(0, 0, 2)
	if err := h.at(h.clock(day, "08:06")); err != nil {
		return err
	}
	bus, roll := map[string]bool{}, map[string][2]string{} // pupil → who calls, sitting
	passengers := r.pick(h.book.pupils, r.scaled(40, 4))
	absentAnyway := h.drawn(ordinaryAbsence)
	var others []string
	for _, s := range h.firstHour(day) {
		who := s.Staff[0].Person
		_, err := h.call(who, s.ID, func(p string) string {
			switch {
			case slices.Contains(passengers, p):
				bus[p], roll[p] = true, [2]string{who, s.ID}
				return "absent"
			case absentAnyway(p):
				others = append(others, p)
				return "absent"
			}
			return ""
		})
		if err != nil {
			return err
		}
	}
	r.say("fault", "%d pupils of a late bus and %d others are noted absent at 08:06", len(bus), len(others))
	type walk struct {
		pupil string
		after time.Duration
	}
	var walks []walk
	for i, p := range passengers {
		w := walk{pupil: p}
		// Rolls were called in the first seconds after 08:06: whoever walks in while their
		// hold ends could be on either side of it. However short the bus, somebody is on each.
		for unclear := true; unclear; {
			w.after = time.Duration(r.random.IntN(30*60)) * time.Second
			inside, after := w.after <= 8*time.Minute+50*time.Second, w.after >= 10*time.Minute+10*time.Second
			unclear = !inside && !after || i == 0 && after || i == 1 && inside
		}
		walks = append(walks, w)
	}
	slices.SortFunc(walks, func(a, b walk) int { return int(a.after - b.after) })
	before := h.sink.count()
	start := h.clock(day, "08:07")
	var slowest time.Duration // from a roll that says so to the last address that hears of it
	var told []string         // pupils whose families were told before they walked in
	const hold = 10 * time.Minute
	for _, w := range walks {
		if err := h.at(start.Add(w.after)); err != nil {
			return err
		}
		if err := h.rest(); err != nil {
			return err
		}
		pressed := time.Now()
		if _, err := h.call(roll[w.pupil][0], roll[w.pupil][1], func(p string) string {
			if p == w.pupil {
				return "late"
			}
			return ""
		}); err != nil {
			return err
		}
		if w.after < hold {
			continue
		}
		told = append(told, w.pupil)
		if err := h.rest(); err != nil {
			return err
		}
		if last := h.book.tally(h.sink.since(before), h.toSay(arrival, day, told)).lastRight; last.After(pressed) {
			slowest = max(slowest, last.Sub(pressed))
		}
	}
	if err := h.at(start.Add(35 * time.Minute)); err != nil {
		return err
	}
	if err := h.rest(); err != nil {
		return err
	}
	messages := h.sink.since(before)
	arrivals := h.toSay(arrival, day, told)
	away := h.toSay(absence, day, others)
	h.judge(messages, slices.Concat(h.toSay(absence, day, told), away, arrivals))
	if err := h.telephoned(away); err != nil {
		return err
	}
	b := h.book.tally(messages, arrivals)
	r.say("corrected", "%d walked in before their families were told, %d after: %d arrivals", len(walks)-len(told), len(told), b.right)
	r.figure("held", float64(len(walks)-len(told)))
	r.atLeast("arrived_inside_the_hold", len(walks)-len(told), 1)
	r.atLeast("arrived_after_being_told", len(told), 1)
	r.within("slowest_correction_s", slowest, 180*time.Second)
	r.figure("detected_s", 0)
	return h.finish(ctx)
}

// finish checks what every drill has, and ends the program.
func (h *house) finish(ctx context.Context) error {
	h.replay.figure("families", float64(h.book.families()))
	if err := h.account(ctx); err != nil {
		return err
	}
	h.replay.ashes()
	h.replay.clean()
	return nil
}

// account ends the program, and asks of every message whether there is a story to it.
func (h *house) account(ctx context.Context) error {
	messages := h.counted()
	if err := h.stop(); err != nil {
		return err
	}
	for _, by := range slices.Backward(h.replay.accounted) { // by another installation
		messages = slices.Delete(messages, by[0], by[1])
	}
	n, err := h.unexplained(ctx, messages)
	if err != nil {
		return err
	}
	h.replay.addTo("unexplained", n)
	return nil
}

// counted keeps for the figures and the drawing what the sink got.
func (h *house) counted() []Message {
	messages := h.sink.all()
	h.replay.addTo("messages_at_sink", len(messages))
	for _, m := range messages {
		h.replay.sent = append(h.replay.sent, Dot{round(m.At.Sub(h.replay.began).Seconds()), string(m.kind())})
	}
	return messages
}
