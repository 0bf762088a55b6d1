package wall

import "testing"

func TestGuarded(t *testing.T) {
	for n, refused := range map[int]bool{0: true, 1: false, 9: false, 10: true} {
		if (Guarded(n) != nil) != refused {
			t.Error(n)
		}
	}
}

func TestBare(t *testing.T) { _ = Bare(5) }

func TestEndless(t *testing.T) {
	if Endless(3) != 3 {
		t.Error(Endless(3))
	}
}
