package analysis

import "testing"

func TestTheScheduleGrowsAndSpendsNoMoreThanThereIs(t *testing.T) {
	total := 0.0
	for test := 1; test < 30; test++ {
		size, next := testSize(test), testSize(test+1)
		if next <= size || 2*next > 3*size {
			t.Errorf("test %d at %d values, the next at %d", test, size, next)
		}
		if testOf(size) != test || testOf(next-1) != test {
			t.Errorf("test %d at %d values: %d values are those of test %d, %d of %d", test, size, size, testOf(size), next-1, testOf(next-1))
		}
		if spend(test) <= spend(test+1) || spend(test+1) <= 0 {
			t.Errorf("test %d spends %v, the next %v", test, spend(test), spend(test+1))
		}
		total += spend(test)
		near(t, "spent", total, 1-4/float64(test+4))
	}
	if testSize(1) != firstTest || testOf(firstTest-1) != 0 || testOf(1800) != 13 {
		t.Errorf("first at %d values, %d tests with fewer, %d with 1,800", testSize(1), testOf(firstTest-1), testOf(1800))
	}
}
