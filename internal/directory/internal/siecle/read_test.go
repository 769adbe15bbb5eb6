package siecle_test

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/intake/heaptest"
	"github.com/preau-ent/preau/internal/directory/internal/siecle"
	"github.com/preau-ent/preau/internal/directory/internal/siecle/siecletest"
)

const sampleFolder = "../../../../../shared/samples/siecle"

func sample(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(sampleFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("LEFT OUT: the sample %s is not in %s, so its counts were not checked", name, sampleFolder)
	}
	return path
}

func read(t testing.TB, o siecle.Options, paths ...string) (*siecle.Export, []intake.Refusal) {
	t.Helper()
	found, err := intake.Find(paths, o.English)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	e, refusals, err := siecle.ReadFiles(t.Context(), found, o)
	if err != nil {
		t.Fatal(err)
	}
	return e, refusals
}

func TestSampleGuardians(t *testing.T) {
	e, refusals := read(t, siecle.Options{}, sample(t, "responsables_avec_adresses_simple.xml"))
	if len(e.Schools) != 1 {
		t.Fatal(refusals)
	}
	s := e.Schools[0]
	if n := s.Counts(); n != (siecle.Counts{People: 3, Links: 3, Unresolved: 3}) || s.UAI != "0140070A" || s.Year != "2018" || s.Date != "2019-06-05" || s.Dialect != siecle.After2018 {
		t.Errorf("%+v %s %s %s %s", n, s.UAI, s.Year, s.Date, s.Dialect)
	}
	if len(refusals) != 1 || !strings.Contains(refusals[0].Reason, "fichier d'élèves") || !e.HeldBack("0140070A") {
		t.Errorf("guardians without pupils: %+v", refusals)
	}
	for _, l := range s.Links {
		if d := l.Data(); d.Level != "1" || d.Kinship != "10" {
			t.Errorf("%+v", d)
		}
	}
	for id, want := range map[string]siecle.Answer{"209401": siecle.Yes, "209406": siecle.No, "209400": siecle.No} {
		p, ok := s.Person(id)
		if d := p.Data(); !ok || d.AcceptsSMS != want || d.Title != "MME" {
			t.Errorf("%s: %+v", id, d)
		}
	}
}

func TestSamplePupil(t *testing.T) {
	e, refusals := read(t, siecle.Options{}, sample(t, "eleves_avec_adresse_avec_double_structure.xml"))
	if len(refusals) > 0 || len(e.Schools) != 1 {
		t.Fatal(refusals)
	}
	if n := e.Schools[0].Counts(); n != (siecle.Counts{Pupils: 1, Divisions: 1, Groups: 1}) {
		t.Errorf("%+v", n)
	}
	d := e.Schools[0].Pupils[0].Data()
	if d.ID != "1541944" || d.Last != "EXEMPLE" || d.First != "Zoe" || d.Born != "2002-01-01" || d.AcceptsSMS != siecle.No || e.Aside["ELEVE/SCOLARITE_AN_DERNIER"] != 1 {
		t.Errorf("%+v %v", d, e.Aside)
	}
}

func TestSampleNomenclatures(t *testing.T) {
	for name, mefs := range map[string]int{"nomenclature_simple.xml": 1, "nomenclature_tout_niveau.xml": 4} {
		e, _ := read(t, siecle.Options{}, sample(t, name))
		if len(e.Schools) != 1 || e.Schools[0].MEFs != mefs || e.Files[0].Encoding != "iso-8859-15" {
			t.Errorf("%s: %+v", name, e.Schools)
		}
	}
}

func TestSampleTruncated(t *testing.T) {
	e, refusals := read(t, siecle.Options{}, sample(t, "siecle-broken.transcribed.xml"))
	if len(refusals) != 1 || !strings.Contains(refusals[0].Reason, "tronqué") || refusals[0].Line != 5 || len(e.Files) != 0 || !e.HeldBack("any") {
		t.Errorf("%+v", refusals)
	}
}

// The benchmark's export: 100 schools of 1,000 pupils.
var region = siecletest.Size{Schools: 100, Pupils: 1000, CountsOnly: true}

func generated(b testing.TB, size siecletest.Size) (string, siecletest.Truth, int64) {
	b.Helper()
	dir := b.TempDir()
	truth, err := siecletest.Generate(dir, 1, size)
	if err != nil {
		b.Fatal(err)
	}
	var total int64
	for _, f := range truth.Files {
		info, err := os.Stat(f)
		if err != nil {
			b.Fatal(err)
		}
		total += info.Size()
	}
	return dir, truth, total
}

// BenchmarkRead reads 100,000 pupils, and beside each time does nothing but decode the
// same bytes with encoding/xml: x-bare is how many times as long reading takes, whatever
// else the machine does. peak-MB is the largest heap seen while reading, garbage included.
func BenchmarkRead(b *testing.B) {
	dir, truth, total := generated(b, region)
	b.SetBytes(total)
	peak := heaptest.Watch()
	var reading, decoding time.Duration
	for b.Loop() {
		start := time.Now()
		e, refusals := read(b, siecle.Options{}, dir)
		if len(refusals) > 0 || len(e.Schools) != len(truth.UAIs) {
			b.Fatal(len(e.Schools), refusals[:1])
		}
		reading += time.Since(start)
		b.StopTimer()
		start = time.Now()
		for _, f := range truth.Files {
			if err := bare(f); err != nil {
				b.Fatal(err)
			}
		}
		decoding += time.Since(start)
		b.StartTimer()
	}
	b.ReportMetric(peak(), "peak-MB")
	b.ReportMetric(reading.Seconds()/decoding.Seconds(), "x-bare")
}

func bare(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	dec := xml.NewDecoder(bufio.NewReaderSize(f, 64<<10))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) {
		return charmap.ISO8859_15.NewDecoder().Reader(r), nil
	}
	for {
		if _, err := dec.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// What is read is what was written, in both dialects, zipped or not.
func TestReadsWhatWasGenerated(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		size := siecletest.Size{Schools: 2, Pupils: 120, Old: seed%2 == 1, Addresses: seed%3 == 0}
		dir, truth, _ := generated(t, size)
		e, refusals := read(t, siecle.Options{}, dir)
		if len(refusals) > 0 {
			t.Fatal(refusals)
		}
		var sum siecle.Counts
		levels := map[string]string{}
		for _, s := range e.Schools {
			n := s.Counts()
			sum.Pupils, sum.Left, sum.People, sum.Links, sum.Unresolved = sum.Pupils+n.Pupils, sum.Left+n.Left, sum.People+n.People, sum.Links+n.Links, sum.Unresolved+n.Unresolved
			for _, l := range s.Links {
				d := l.Data()
				p, _ := s.Person(d.Person)
				levels[fmt.Sprint(s.UAI, d.Pupil, d.Person)] = fmt.Sprint(d.Level, p.Data().AcceptsSMS)
			}
		}
		if sum.Pupils != truth.Pupils || sum.Left != truth.Left || sum.People != truth.People || sum.Links != truth.NLinks || sum.Unresolved != 0 {
			t.Errorf("%+v against %+v", sum, truth)
		}
		for _, want := range truth.Links {
			got := levels[fmt.Sprint(want.UAI, want.Pupil, want.Person)]
			level := map[string]string{"legal": "1", "carer": "2", "contact": "3"}[want.Level]
			if size.Old {
				level = map[string]string{"legal": "12", "contact": "0"}[want.Level]
			}
			consent := map[string]string{"yes": "2", "no": "1", "unknown": "0"}[want.Consent]
			if len(got) != 2 || !strings.Contains(level, got[:1]) || got[len(got)-1:] != consent {
				t.Fatalf("%+v read as %q", want, got)
			}
		}
	}
}
