package gift

import (
	"math"
	"strconv"
	"strings"
)

// Signs that mean something are written \~ \= \# \{ \} \: \\ where they are only themselves, and
// \n is a new line. While a quiz is read they stand as signs of Unicode's private use, which no
// typed text may bring.
const hidden = "\ue000\ue001\ue002\ue003\ue004\ue005\ue006\ue007"

const meaning = "~=#{}:\\n"

var escapes, unescapes = pairsOf()

func pairsOf() (to, from *strings.Replacer) {
	var a, b []string
	signs := []rune(hidden)
	for i, c := range meaning {
		shown := string(c)
		if c == 'n' {
			shown = "\n"
		}
		a = append(a, `\`+string(c), string(signs[i]))
		b = append(b, string(signs[i]), shown)
	}
	for _, s := range signs {
		a = append(a, string(s), "")
	}
	return strings.NewReplacer(a...), strings.NewReplacer(b...)
}

func escape(s string) string { return escapes.Replace(s) }

// said is a piece as it is shown.
func said(s string) string { return unescapes.Replace(strings.TrimSpace(s)) }

func number(s string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.ReplaceAll(strings.Join(strings.Fields(strings.ReplaceAll(s, "\u202f", "")), ""), ",", "."), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

func isNumber(s string) bool {
	low, high, _ := strings.Cut(strings.ReplaceAll(s, "..", ":"), ":")
	_, a := number(low)
	_, b := number(high)
	return a && (high == "" || b)
}

func bothNumbers(a, b string) (x, y float64, wrong bool) {
	x, one := number(a)
	y, two := number(b)
	return x, y, !one || !two
}
