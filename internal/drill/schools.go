package drill

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// comer is somebody who may come, with what the drill knows of them.
type comer struct {
	id, school, class string
	role              page.Role
	sitting           timetable.Sitting // a teacher's, at the first hour
	pupils            []string          // who sit in it
}

// Sizes of the schools of a crowd. The first one is in service, and its absences are told.
const (
	firstMost  = 1_200
	othersMost = 600
	leastTown  = 60
	crowdHold  = 10 * time.Second // of the first school: its alerts leave while everybody comes
)

// crowdOf makes an installation for a crowd of so many pupils, in several schools.
func (r *replay) crowdOf(ctx context.Context, pupils int) (*house, error) {
	pupils = max(pupils, 5*leastTown)
	first := min(firstMost, max(leastTown, pupils/5))
	each := min(othersMost, max(leastTown, (pupils-first)/4))
	sizes := []int{first}
	for left := pupils - first; left >= leastTown; left -= each {
		sizes = append(sizes, min(each, left))
	}
	var towns []app.DrillTown
	for i, size := range sizes {
		t := fictional.School(r.options.Seed, fictional.Options{Pupils: size, Number: i, Weeks: 1, Tuesday: tuesday})
		towns = append(towns, app.DrillTown{Town: t, Who: map[string]page.Role{}, Staffed: true})
	}
	h, err := r.emptyHouse(towns[0].Town)
	if err != nil {
		return nil, err
	}
	h.core, h.hold = 0, crowdHold
	if r.options.quick {
		h.hold = crowdHold / 5
	}
	towns[0].Hold = h.hold
	for i := range towns {
		h.comersOf(&towns[i])
	}
	if h.DrillHouse, err = app.MakeDrillOf(ctx, app.Config{Data: h.data, Addr: "127.0.0.1:0"}, h.town.DaysBefore(rehearsed + 1)[0], towns...); err != nil {
		return nil, err
	}
	return h, h.writeCarrier()
}

// comersOf lists who may come of a town, and gives each their account.
func (h *house) comersOf(t *app.DrillTown) {
	classes, classOf := map[string]bool{}, map[string]string{}
	for _, g := range t.Rows.Groups {
		classes[g.ID] = g.Kind == "class"
	}
	members := map[string][]string{}
	for _, m := range t.Rows.Members {
		members[m.Grp] = append(members[m.Grp], m.Person)
		if classes[m.Grp] {
			classOf[m.Person] = m.Grp
		}
	}
	adults := 0
	for _, p := range t.Rows.People {
		c := comer{id: p.ID, school: t.School.ID, class: classOf[p.ID]}
		switch {
		case p.Kind == directory.KindPupil:
			c.role = page.Pupil
			h.comers[page.Pupil] = append(h.comers[page.Pupil], c)
		case p.Kind == directory.KindAdult && adults < len(classOf)/5+1 && p.ID != t.Cast.DeniedParent:
			adults++
			c.role = page.Guardian
			h.comers[page.Guardian] = append(h.comers[page.Guardian], c)
		default:
			continue
		}
		t.Who[p.ID] = c.role
	}
	taken := map[string]bool{}
	for _, s := range firstOf(t.Sittings, h.town.Tuesday, h.zone) {
		who := s.Staff[0].Person
		if taken[who] || who == t.Cast.Supervisor {
			continue
		}
		taken[who] = true
		c := comer{id: who, school: t.School.ID, role: page.Teacher, sitting: s}
		for _, g := range s.Groups {
			c.pupils = append(c.pupils, members[g]...)
			if classes[g] {
				c.class = g
			}
		}
		h.comers[page.Teacher] = append(h.comers[page.Teacher], c)
	}
}

// draw draws so many people of a crowd: five of six are pupils, the others guardians.
func (h *house) draw(n int) []comer {
	shuffle := func(role page.Role) []comer {
		all := slices.Clone(h.comers[role])
		h.replay.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		return all
	}
	guardians, pupils := shuffle(page.Guardian), shuffle(page.Pupil)
	all := slices.Concat(pupils[:min(len(pupils), n-min(len(guardians), n/6))], guardians[:min(len(guardians), n/6)])
	h.replay.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// open puts the first school in service and starts the program at 8:06 on the Tuesday, at a
// port that stays the same.
func (h *house) open(ctx context.Context) (err error) {
	if h.addr, err = freePort(); err != nil {
		return err
	}
	if err := h.enterService(ctx); err != nil {
		return err
	}
	if err := h.stop(); err != nil {
		return err
	}
	if err := h.start(ctx, h.clock(h.town.Tuesday, "08:06")); err != nil {
		return err
	}
	h.entrance = h.prog.addr()
	return nil
}

// freePort is an address of this machine that nobody listens at.
func freePort() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// off tells whether the drill had switched the program off about a moment.
func (h *house) off(at time.Time) bool {
	h.switched.Lock()
	defer h.switched.Unlock()
	return !h.offFrom.IsZero() && at.After(h.offFrom.Add(-requestMost)) && (h.offUntil.IsZero() || at.Before(h.offUntil.Add(5*time.Second)))
}

// paused is how much of a time the drill itself kept the program off: that is not waited for
// the program.
func (h *house) paused(from, until time.Time) time.Duration {
	if from.Before(h.pausedFrom) {
		from = h.pausedFrom
	}
	if until.After(h.pausedUntil) {
		until = h.pausedUntil
	}
	return max(0, until.Sub(from))
}

// restart switches the program off for a time, and on again.
func (h *house) restart(ctx context.Context, pause time.Duration) error {
	h.switched.Lock()
	h.offFrom, h.offUntil = time.Now(), time.Time{}
	h.switched.Unlock()
	if err := h.stop(); err != nil {
		return err
	}
	h.pausedFrom = time.Now()
	if err := rest(ctx, pause); err != nil {
		return err
	}
	h.pausedUntil = time.Now()
	if err := h.start(ctx, h.now.Add(time.Since(h.setAt))); err != nil {
		return err
	}
	h.switched.Lock()
	h.offUntil = time.Now()
	h.switched.Unlock()
	return nil
}

// apart gives the program and the crowd a core each. back undoes it.
func (r *replay) apart() (back func(), err error) {
	if r.options.quick {
		return func() {}, nil
	}
	if _, err := exec.LookPath("taskset"); err != nil {
		return nil, fmt.Errorf("this drill gives the program a core of its own, and the crowd another: taskset (util-linux) is missing")
	}
	pid := strconv.Itoa(os.Getpid())
	before, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil, err
	}
	cores := "0-1"
	if had := lineAfter(string(before), "Cpus_allowed_list:"); had != "" {
		cores = had
	}
	if out, err := exec.Command("taskset", "-a", "-c", "-p", "1", pid).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("this drill needs two cores: the crowd cannot have the second one: %s", out)
	}
	return func() { exec.Command("taskset", "-a", "-c", "-p", cores, pid).Run() }, nil
}

// emptyHouse makes a house of which nothing is there yet but its folder and its sink.
func (r *replay) emptyHouse(town fictional.Town) (*house, error) {
	zone, err := town.School.Location()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(r.folder, "preau-drill-")
	if err != nil {
		return nil, err
	}
	h := &house{replay: r, town: town, book: newBook(town, zone), zone: zone, owns: folder, data: filepath.Join(folder, "data"), people: map[string]*person{}, core: -1, addr: "127.0.0.1:0", comers: map[page.Role][]comer{}}
	r.houses = append(r.houses, h)
	if h.sink, err = newSink(r.rate()); err != nil {
		return nil, err
	}
	h.sink.plant = r.options.plant
	return h, nil
}
