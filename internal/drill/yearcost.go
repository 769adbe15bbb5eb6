package drill

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// costly is a page whose cost is compared, with who asks for it. from is the day of its first
// measure: a month's page is compared with one that has a month on it.
type costly struct {
	name, who, path string
	from            int
}

// A page's cost is the program's processor time for so many requests; of many such rounds the
// cheapest quarter counts, which others on the machine did not disturb.
const (
	costRequests = 5
	costRounds   = 20
	costlierMost = 1.3 // on the last day, against the first measure
)

// measure measures the pages on a day.
func (y *schoolYear) measure(n int, day time.Time) error {
	for _, p := range y.pages(day) {
		if n != p.from && n != yearDays-1 {
			continue
		}
		took, err := y.costOf(p)
		if err != nil {
			return err
		}
		y.cost[p.name] = append(y.cost[p.name], took)
	}
	return nil
}

func (y *schoolYear) costOf(p costly) (time.Duration, error) {
	var rounds []time.Duration
	for range costRounds + 1 { // the first warms what is kept
		before, err := worked(y.prog.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		for range costRequests {
			if _, err := y.see(p.who, p.path); err != nil {
				return 0, err
			}
		}
		after, err := worked(y.prog.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		rounds = append(rounds, (after-before)/costRequests)
	}
	rounds = rounds[1:]
	slices.Sort(rounds)
	sum := time.Duration(0)
	for _, d := range rounds[:costRounds/4] {
		sum += d
	}
	return sum / (costRounds / 4), nil
}

// ratios writes what each page costs on the last day against the first measure.
func (y *schoolYear) ratios() {
	worst := 0.0
	for _, name := range slices.Sorted(maps.Keys(y.cost)) {
		c := y.cost[name]
		if len(c) != 2 {
			continue
		}
		ratio := float64(c[1]) / float64(max(c[0], 1))
		worst = max(worst, ratio)
		y.replay.say("person", "%s: %.2f ms of the processor at first, %.2f ms on the last day", name, float64(c[0])/1e6, float64(c[1])/1e6)
		y.replay.figure("by_page_"+name+"_first_ms", float64(c[0])/float64(time.Millisecond))
		y.replay.figure("by_page_"+name+"_last_ms", float64(c[1])/float64(time.Millisecond))
		y.replay.figure("by_page_"+name+"_ratio", ratio)
	}
	y.replay.atMost("page_cost_ratio_max", worst, costlierMost)
}

// worked is the processor's time that a program has had, of all its threads, in nanoseconds.
func worked(pid int) (all time.Duration, err error) {
	folder := fmt.Sprintf("/proc/%d/task", pid)
	threads, err := os.ReadDir(folder)
	if err != nil {
		return 0, err
	}
	for _, t := range threads {
		b, err := os.ReadFile(folder + "/" + t.Name() + "/schedstat")
		if errors.Is(err, os.ErrNotExist) { // it ended meanwhile
			continue
		}
		if err != nil {
			return 0, err
		}
		on, _, _ := strings.Cut(string(b), " ")
		ns, err := strconv.ParseInt(on, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the processor's time of the program cannot be read: %w", err)
		}
		all += time.Duration(ns)
	}
	return all, nil
}
