export { ladderSvg } from './svg';
export { ladderText } from './text';
