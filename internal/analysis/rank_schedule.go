package analysis

// firstTest is the number of values a side with which ranks are compared for the first time. With fewer, independent values
// cannot be told from a gauge that hardly changes between two looks (see correlationTime), so nothing could be decided.
const firstTest = 24

// testSize is the number of values a side at which the test'th test is made, from 1: 24, 32, 48, 64, 96, 128, 192 … It does
// not depend on the values, and grows by 4/3 and 3/2 in turn, so what is bad is found at most half as late again as it could
// be, and 1,800 looks take 13 tests.
func testSize(test int) int {
	if test%2 == 1 {
		return firstTest << ((test - 1) / 2)
	}
	return firstTest * 4 / 3 << ((test - 2) / 2)
}

// testOf is the last test whose size values reach, 0 for none.
func testOf(values int) int {
	test := 0
	for testSize(test+1) <= values {
		test++
	}
	return test
}

// spend is the part of the risk of all tests together that the test'th may take, from 1:
//
//	4/((test+3)·(test+4)) = 4/(test+3) - 4/(test+4)
//
// The sum over all tests telescopes to 4/4 = 1, so by the union bound, whatever the tests have to do with one another, the
// probability of any error in any number of tests is at most the risk. Parts that are due to a test that could not be made are
// lost, not handed on, or the schedule would depend on the values.
//
// What it costs: of a risk of 1 %, the first test has 0.2 %, the tenth (at 512 values) 0.022 %: its interval is 1.5 times as
// wide as that of a single test at 1 % would be (3.5 standard errors, not 2.3). The usual 6/(π²·test²) leaves the tenth 0.6 %
// of the risk instead of 2.2 %, for three times as much at the first, at which little can be found. Tests of the same growing
// data agree more often than not, so the true risk is smaller than the bound.
//
// Source of the method: K. K. G. Lan, D. L. DeMets, Discrete sequential boundaries for clinical trials, Biometrika 70 (1983).
func spend(test int) float64 { return 4 / float64((test+3)*(test+4)) }
