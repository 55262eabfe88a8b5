// The program: checks Node and handles signals before anything else is loaded, then loads the operator's process.
import './preflight.ts';

await import('./process.ts');
