package courier

import "testing"

func TestIsStop(t *testing.T) {
	for text, want := range map[string]bool{
		"STOP": true, " stop ": true, "Stop.": true, "arrêt": true, "ARRET": true, "Stop sms": true, "STOP 36111": true, "Arrêter !": true, "stopall": true, "Désabonner": true, "DÉSABONNEMENT": true, "Arre\u0302t": true,
		"": false, "Stop il est malade": false, "non stop": false, "1": false, "arrêt de bus": false, "STOP 1": false,
	} {
		if got := isStop(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestForms(t *testing.T) {
	for _, same := range [][2]string{{"00AB", "ab"}, {"255", "ff"}, {"FF", "255"}, {"0000000123", "123"}, {"0", "000"}, {"9f1B", "9F1b"}} {
		given, said := keyOf(same[0]), keyOf(same[1])
		found := false
		for _, f := range forms(said) {
			found = found || f == given
		}
		if !found {
			t.Errorf("%s and %s are not the same: %v", same[0], same[1], forms(said))
		}
	}
	if got := forms(keyOf("3f2a-77")); len(got) != 1 {
		t.Errorf("an id that is no number has other forms: %v", got)
	}
}
