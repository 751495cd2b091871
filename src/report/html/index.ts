export { htmlIndex } from './index-page';
export { htmlReport } from './page';
