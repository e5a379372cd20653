// Properties that do not say how often try few values, and all of them the same values in every run, so that a mutant
// that survives once survives always; and nobody reads what a killed mutant's counterexample shrinks to.
import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 42, numRuns: 30, endOnFailure: true });
