package plain

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/intake/heaptest"
	"github.com/preau-ent/preau/internal/directory/internal/workbook/workbooktest"
)

// largest is what reading a workbook of 20,000 pupils with a guardian each may take, in MB of
// heap with its garbage. The sheet passes
// by; what grows is what is handed over.
const largest = 80

// TestALargeWorkbook: a workbook of six large schools is read in bounded memory.
func TestALargeWorkbook(t *testing.T) {
	path := large(t, 20_000)
	if took := readLarge(t, path, 20_000); took > largest {
		t.Errorf("%.0f MB of heap, at most %d were said", took, largest)
	}
}

// BenchmarkReadWorkbook reads 100,000 pupils with a guardian each from a workbook. peak-MB
// is the largest heap seen while reading, garbage included.
func BenchmarkReadWorkbook(b *testing.B) {
	path, most := large(b, 100_000), 0.0
	for b.Loop() {
		most = max(most, readLarge(b, path, 100_000))
	}
	b.ReportMetric(most, "peak-MB")
}

func readLarge(t testing.TB, path string, rows int) (peak float64) {
	found, err := intake.Find([]string{path}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	runtime.GC()
	watched := heaptest.Watch()
	e, refusals, err := Read(found.Files[0], Options{English: true, UAI: "0990001A", Map: "Nom=last,Prénom=first,Né le=born,Classe=class,Mère=g1.last,Prénom mère=g1.first,Portable mère=g1.sms,Droit mère=g1.level"})
	peak = watched()
	if err != nil || len(refusals) > 0 || len(e.Schools) != 1 || len(e.Schools[0].Pupils) != rows || len(e.Schools[0].Links) != rows {
		t.Fatal(err, refusals, len(e.Schools))
	}
	return peak
}

// large writes a workbook, whose bytes nothing holds afterwards.
func large(t testing.TB, rows int) string {
	cells := [][]string{{"Nom", "Prénom", "Né le", "Classe", "Mère", "Prénom mère", "Portable mère", "Droit mère"}}
	for i := range rows {
		cells = append(cells, []string{fmt.Sprintf("Calmeval%06d", i), "Zoé", fmt.Sprintf("%02d/%02d/2012", 1+i%28, 1+i%12), fmt.Sprintf("6e %d", i/30),
			fmt.Sprintf("Ortolani%06d", i), "Anne", fmt.Sprintf("06 39 98 %02d %02d", i/100%100, i%100), "légal"})
	}
	path := filepath.Join(t.TempDir(), "eleves.xlsx")
	if err := os.WriteFile(path, workbooktest.Texts(t, cells...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
