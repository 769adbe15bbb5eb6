package door

import (
	"encoding/json"
	"time"
)

// A program that is started again goes on with the line as it was a few seconds before:
// tickets are people's own, and the counts are kept in a file.

// kept is a line as it is kept.
type kept struct {
	Lane    Lane     `json:"lane"`
	School  uint32   `json:"school"`
	First   int64    `json:"first"`
	Before  []uint64 `json:"before"`
	Given   uint64   `json:"given"`
	Serving float64  `json:"serving"`
	Entered uint64   `json:"entered"`
	Gone    float64  `json:"gone"`
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
	k := keptDoor{At: d.now(), Rate: d.rate}
	for key, l := range d.lines {
		if l.waiting() > 0 {
			k.Lines = append(k.Lines, kept{key.lane, key.school, l.first, l.before, l.given, l.serving, l.entered, l.gone})
		}
	}
	return json.Marshal(k)
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
		if one.Lane < lanes && one.Entered <= one.Given && len(one.Before) > 0 {
			d.lines[lineKey{one.Lane, one.School}] = &line{first: one.First, before: one.Before, given: one.Given, serving: one.Serving, entered: one.Entered, gone: one.Gone}
		}
	}
	d.rate = min(mostRate, max(leastRate, k.Rate))
	d.count()
	return nil
}
