package door

import (
	"encoding/json"
	"errors"
	"time"
)

// A program that is started again goes on with the line as it was a few seconds before:
// tickets are people's own, and the counts are kept in a file.

// kept is a line as it is kept.
type kept struct {
	Lane   Lane      `json:"lane"`
	School uint32    `json:"school"`
	First  int64     `json:"first"`
	Given  []float64 `json:"given"`
	Alive  []float64 `json:"alive"`
	Part   float64   `json:"part"`
	Called float64   `json:"called"`
}

type keptDoor struct {
	At    time.Time `json:"at"`
	Rate  float64   `json:"rate"`
	Lines []kept    `json:"lines"`
}

// Keep gives what a later program goes on with.
func (d *Door) Keep() ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count()
	k := keptDoor{At: d.now(), Rate: d.rate}
	for key, l := range d.lines {
		if l.waiting() < 0.05 {
			continue
		}
		k.Lines = append(k.Lines, l.keep(key))
	}
	return json.Marshal(k)
}

func (l *line) keep(key lineKey) kept {
	one := kept{Lane: key.lane, School: key.school, First: l.first, Part: l.part, Called: l.called.people(l.over)}
	for _, b := range l.buckets {
		one.Given, one.Alive = append(one.Given, b.given), append(one.Alive, b.alive.people(l.over))
	}
	return one
}

// Restore goes on with what an earlier program kept, if that was not too long ago.
func (d *Door) Restore(b []byte) error {
	var k keptDoor
	if err := json.Unmarshal(b, &k); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now().Sub(k.At) > maxKept {
		return nil
	}
	for _, one := range k.Lines {
		if one.Lane >= lanes || len(one.Given) != len(one.Alive) || len(one.Given) > int(maxKept/Bucket) {
			return errors.New("a line in it is none")
		}
		l := &line{first: one.First, part: min(1, max(0, one.Part))}
		for i := range one.Given {
			l.buckets = append(l.buckets, bucket{max(0, one.Given[i]), looks{before: max(0, one.Alive[i])}})
		}
		l.called.before = max(0, one.Called)
		d.lines[lineKey{one.Lane, one.School}] = l
	}
	d.rate = min(mostRate, max(leastRate, k.Rate))
	d.count()
	return nil
}
